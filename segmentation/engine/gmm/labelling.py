"""From a mixture to a label map: every distinct colour is judged once, then every pixel looks its colour up."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.colours import CODES, Colours, decode, runs, stretches
from segmentation.engine.gmm.densities import exact, most_probable, posterior
from segmentation.engine.gmm.features import Float, blocks, expand
from segmentation.engine.gmm.mixture import Mixture

NO_DATA = 255
"""Label of pixels that do not count."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a mixture makes of the colours of a picture."""

    labels: NDArray[np.uint8]  # (n,) most probable component of each distinct colour
    hard: Float  # (K, F) phi(x) summed over the pixels of each component
    soft: Float  # (K,) posterior probabilities summed over all pixels
    log_likelihood: float  # mean nats per pixel


def judge(mixture: Mixture, colours: Colours, on_fraction: Callable[[float], None] = lambda _: None) -> Judgement:
    """Label the distinct colours and sum up over all their pixels.

    Labels and hard sums are exact, whatever computes them (see `densities.exact`).
    """
    theta = exact(mixture.theta())
    labels = np.empty(len(colours), np.uint8)
    hard, soft, total = np.zeros_like(theta), np.zeros(len(theta)), 0.0
    for block in blocks(len(colours), len(theta)):
        phi, counts = expand(decode(colours.codes[block])), colours.counts[block].astype(np.float64)
        log_joint = theta @ phi
        labels[block] = most_probable(log_joint)
        responsibilities, log_density = posterior(log_joint, counts)
        soft += responsibilities.sum(axis=1)
        total += float((counts * log_density).sum())
        members = (labels[block] == np.arange(len(theta))[:, None]) * counts
        hard += members @ phi.T
        on_fraction(block.stop / len(colours))
    return Judgement(labels, hard, soft, total / colours.pixels)


def paint(
    pixels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    colours: Colours,
    labels: NDArray[np.uint8],
    on_fraction: Callable[[float], None] = lambda _: None,
) -> NDArray[np.uint8]:
    """Give each pixel the label of its colour, by a table of all 2^24 codes.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous
    valid : ndarray, shape (n,), bool, or None
        The others get `NO_DATA`.
    colours, labels
        The label (m,) of each distinct colour of the valid pixels.

    Returns
    -------
    ndarray, shape (n,), uint8
    """
    table = np.zeros(CODES, np.uint8)  # untouched pages of it cost no memory
    for stretch in stretches(len(colours)):
        table[colours.codes[stretch]] = labels[stretch]
    painted = np.empty(len(pixels), np.uint8)
    for run, codes in runs(pixels):
        table.take(codes, mode="clip", out=painted[run])
        if valid is not None:
            painted[run][~valid[run]] = NO_DATA
        on_fraction(run.stop / len(pixels))
    return painted
