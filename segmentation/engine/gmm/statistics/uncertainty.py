"""What else a result tells: how sure each pixel is, how usual it is, and the shapes of the components."""

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
"""A share (n,), 0 to 1, of each of some values (n, D)."""

_QUANTILES = 4096


def uncertainty(
    mixture: Mixture, values: NDArray[np.generic], groups: Sequence[Sequence[int]] | None = None
) -> Float32:
    """Entropy of the posterior probabilities at values (..., D), divided by that of complete ignorance, log n.

    0 where one component is certain, 1 where all are equally probable; 0 everywhere if there is only one. With `groups` of
    components, of clusters instead: a cluster's probability is the sum of its components', so that doubt between two
    components of one cluster is none.
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
    """How unlikely values (..., D) are: the share of the reference that is likelier, 0 to 1.

    Parameters
    ----------
    mixture : Mixture
    values : ndarray, shape (..., D)
    reference : ndarray, shape (m,)
        Log densities of usual values in ascending order, for example of the picture's own pixels.
    """
    rows = values.reshape(-1, values.shape[-1])
    theta, unusual = mixture.theta(), np.zeros(len(rows), np.float32)
    for block in blocks(len(rows), *theta.shape):
        log_density = posterior(theta @ expand(rows[block]))[1]
        unusual[block] = 1 - np.searchsorted(reference, log_density, side="right") / len(reference)
    return unusual.reshape(values.shape[:-1])


def reference_densities(mixture: Mixture, values: NDArray[np.generic], counts: NDArray[np.integer]) -> Float:
    """What `novelty` compares with: 4,096 quantiles of the log density over values (n, D), each of which occurs so often."""
    log_density = mixture.log_density(values)
    order = np.argsort(log_density, kind="stable")
    last = np.cumsum(counts[order], dtype=np.int64)
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES * last[-1]
    quantiles: Float = log_density[order[np.searchsorted(last, places, side="right")]]
    return quantiles


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a component is in the picture."""

    box: Box | None  # None without a pixel
    regions: int  # connected ones, by 4 neighbours


def extents(labels: NDArray[np.uint8], n_components: int) -> tuple[Extent, ...]:
    """Shapes of all components of a label map (H, W); of clusters, when the map is one of clusters."""
    regions = count_regions(labels, n_components).tolist()
    return tuple(Extent(*both) for both in zip(bounding_boxes(labels, n_components), regions, strict=True))
