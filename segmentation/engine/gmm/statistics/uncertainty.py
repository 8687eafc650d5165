"""Uncertainty and novelty of pixels under a mixture, and the bounding boxes and connected regions of components."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.densities import posterior
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, blocks, expand
from segmentation.engine.gmm.statistics.components import Box, bounding_boxes
from segmentation.engine.gmm.statistics.connected import count_regions

Float32 = NDArray[np.float32]
PerValue = Callable[[NDArray[np.generic]], Float32]
"""Returns a number from 0 to 1 for each value: shape (n,) for values (n, D)."""

_QUANTILES = 4096


def uncertainty(
    mixture: Mixture, values: NDArray[np.generic], groups: Sequence[Sequence[int]] | None = None
) -> Float32:
    """Return the entropy of the posterior probabilities at values (..., D), divided by its maximum log K; shape (...).

    It is 0 where one component is certain, and 1 where all are equally probable; with a single component it is 0. With
    `groups` it is the entropy of clusters, whose posterior is the sum of their components' posteriors, divided by the
    logarithm of the number of clusters.
    """
    rows = values.reshape(-1, values.shape[-1])
    theta, entropy = mixture.theta(), np.zeros(len(rows), np.float32)
    members = np.eye(len(theta)) if groups is None else np.stack([np.isin(np.arange(len(theta)), g) for g in groups])
    if len(members) > 1:
        for block in blocks(len(rows), *theta.shape):
            shares = posterior(theta @ expand(rows[block]))[0]
            if groups is not None:
                shares = members.astype(np.float64) @ shares
            logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
            entropy[block] = np.clip(-(shares * logs).sum(axis=0) / np.log(len(members)), 0, 1)
    return entropy.reshape(values.shape[:-1])


def novelty(mixture: Mixture, values: NDArray[np.generic], reference: Float) -> Float32:
    """Return the share of the reference whose density is higher than that of values (..., D); shape (...), 0 to 1.

    Parameters
    ----------
    mixture : Mixture
    values : ndarray, shape (..., D)
    reference : ndarray, shape (m,)
        Log densities in ascending order, from `reference_densities`.
    """
    rows = values.reshape(-1, values.shape[-1])
    theta, shares = mixture.theta(), np.zeros(len(rows), np.float32)
    for block in blocks(len(rows), *theta.shape):
        log_density = posterior(theta @ expand(rows[block]))[1]
        shares[block] = 1 - np.searchsorted(reference, log_density, side="right") / len(reference)
    return shares.reshape(values.shape[:-1])


def reference_densities(mixture: Mixture, values: NDArray[np.generic], counts: NDArray[np.integer]) -> Float:
    """Return 4,096 quantiles of the log density over values (n, D) with counts (n,), the reference of `novelty`."""
    log_density = mixture.log_density(values)
    order = np.argsort(log_density, kind="stable")
    last = np.cumsum(counts[order], dtype=np.int64)
    positions = (np.arange(_QUANTILES) + 0.5) / _QUANTILES * last[-1]
    quantiles: Float = log_density[order[np.searchsorted(last, positions, side="right")]]
    return quantiles


@dataclass(frozen=True, slots=True)
class Extent:
    """The bounding box of a component, and the number of its connected regions."""

    box: Box | None  # None without a pixel
    regions: int  # by 4 neighbours


def extents(labels: NDArray[np.uint8], n_components: int) -> tuple[Extent, ...]:
    """Return the extent of each label 0 .. `n_components` - 1 of a map (H, W) of components or of clusters."""
    regions = count_regions(labels, n_components).tolist()
    return tuple(Extent(*both) for both in zip(bounding_boxes(labels, n_components), regions, strict=True))
