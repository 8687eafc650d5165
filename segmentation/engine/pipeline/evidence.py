"""Criteria and maps of the numbers of clusters that were tried, as arrays for ``fit.npz``."""

import json

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Segmentation
from segmentation.engine.gmm.selection.cluster_count import EFFECTIVE_SAMPLE_SIZE, MAP_SIDE, PIXELS


def evidence(segmentation: Segmentation, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """Return the criteria and maps of all numbers of clusters that were tried; empty when the recipe gives the number.

    Parameters
    ----------
    segmentation : Segmentation
    pixels : ndarray, shape (H, W, 3), uint8
        The picture as displayed.

    Returns
    -------
    dict
        For 1 to n clusters: `evidence_log_likelihood`, `evidence_bic`, `evidence_icl`, `evidence_entropy`, each (n,) in nats per
        pixel; `evidence_maps` (n, h, w) small label maps, 255 without data; `evidence_colours` (n, n, 3) mean colours of their
        clusters; `evidence_plateau` (2,) the smallest and the largest number that are nearly as good; `evidence_pixels` () the
        pixels of the sample that they were chosen from, at most; `evidence_reason` the JSON text of a `Reason`. Files without
        `evidence_pixels` are of an earlier release, which left pixels on borders out.
    """
    choice, candidate_maps = segmentation.choice, segmentation.candidate_maps
    if choice is None or candidate_maps is None:
        return {}
    criteria = [one.criteria for one in choice.candidates]
    step = max(1, -(-max(pixels.shape[:2]) // MAP_SIDE))
    return {
        "evidence_log_likelihood": np.array([one.log_likelihood for one in criteria]),
        "evidence_entropy": np.array([one.entropy for one in criteria]),
        "evidence_bic": np.array([one.bic for one in criteria]) / EFFECTIVE_SAMPLE_SIZE,
        "evidence_icl": np.array([one.icl for one in criteria]) / EFFECTIVE_SAMPLE_SIZE,
        "evidence_maps": candidate_maps,
        "evidence_colours": _colours(candidate_maps, pixels[::step, ::step]),
        "evidence_plateau": np.array(choice.plateau),
        "evidence_pixels": np.array(min(PIXELS, segmentation.valid_pixels)),
        "evidence_reason": np.array(json.dumps(choice.reason.to_mapping(), sort_keys=True)),
    }


def _colours(candidate_maps: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean colour of each cluster of each map, (n, n, 3); black for clusters without a pixel."""
    colours = np.zeros((len(candidate_maps), len(candidate_maps), 3), np.uint8)
    for number, labels in enumerate(candidate_maps):
        for cluster in range(number + 1):
            inside = pixels[labels == cluster]
            if len(inside):
                colours[number, cluster] = np.rint(inside.mean(axis=0))
    return colours
