"""Refine the borders of regions by colour, with iterated conditional modes (Besag, 1986) from coarse to fine resolution.

Blurred posteriors localise a border to within one or two pixels, and from one resolution to the next it moves no further.
Therefore only pixels near borders are updated, and the time grows with the length of the borders rather than with the area.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.fit.em import maximise
from segmentation.engine.gmm.mixture.monomials import Float, Float32, monomials
from segmentation.engine.gmm.regions.blockwise import moments, products
from segmentation.engine.gmm.regions.graph import Index
from segmentation.engine.gmm.regions.mixtures import FLOOR, MIN_LOG_POSTERIOR, standardised
from segmentation.engine.gmm.regions.region_sums import membership, sum_members
from segmentation.engine.gmm.regions.resampling import Level, Mask, enlarge_labels

SWEEPS = 6  # at each resolution
SMOOTHNESS = 0.5  # nats for each of the 3 x 3 pixels that is in the same region (Potts, 1952)
FLOOR_DENSITY = 1e-3  # added to the density of every region, relative to that of the best component

_AROUND = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))
_BLOCK = 2**14  # pixels at a time
_COUNTED = 2**18

Labels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class RegionDistributions:
    """The distribution of colours in each region, as a mixture of common components with weights of its own."""

    theta: Float  # (K, 10) natural parameters of the components without weights, over standardised L*a*b*
    shares: Float32  # (R, K) weights of the components in each region
    centre: Float32  # (3,)

    @classmethod
    def of(cls, colours: Float32, posterior: Float32, labels: Labels, valid: Mask) -> "RegionDistributions":
        """Return the distributions of colours (3, h, w), given posteriors (K, h, w) and regions (h, w)."""
        flat = posterior.reshape(len(posterior), -1)
        counted = flat * valid.ravel()
        x = colours.reshape(3, -1)
        centre = x[:, valid.ravel()].mean(axis=1, dtype=np.float64).astype(np.float32)
        mixture = maximise(moments(counted, monomials(standardised(x, centre))), FLOOR).rounded()
        theta = mixture.theta()
        theta[:, 0] -= np.log(mixture.weights)
        shares = sum_members(membership(labels, valid), flat)
        return cls(theta, shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9), centre)

    def log_densities(self, colours: Float32, regions: Index) -> Float32:
        """Return the log densities (r, n) of colours (3, n) in the given regions (r,), up to a constant for each pixel."""
        log_density = products(self.theta, monomials(standardised(colours, self.centre)))
        log_density -= log_density.max(axis=0)
        density = np.exp(np.maximum(log_density, MIN_LOG_POSTERIOR, out=log_density), out=log_density)
        log_densities: Float32 = np.log(products(self.shares[regions], density) + np.float32(FLOOR_DENSITY))
        return log_densities


def refine(labels: Labels, levels: Sequence[Level], distributions: RegionDistributions) -> Labels:
    """Return a label map at full resolution with refined borders.

    Parameters
    ----------
    labels : ndarray, shape (h, w), uint8
        Regions 0 .. R - 1.
    levels : sequence of Level
        From the smallest to the full resolution, at least one.
    distributions : RegionDistributions

    Returns
    -------
    ndarray, shape (H, W), uint8
        A region that would vanish, because its colours equal its neighbours', keeps its pixels.
    """
    coarse = labels
    for level in levels:
        labels = enlarge_labels(labels, level.shape)
        for _ in range(SWEEPS):
            sweep(labels, level, distributions)
    valid = levels[-1].valid
    lost = areas(labels, valid)[: len(distributions.shares)] == 0
    if not lost.any():
        return labels
    before = enlarge_labels(coarse, labels.shape)
    restored = np.where(lost[before], before, labels)
    # If restoring a region removes the last pixel of another, regions are about as small as pixels: keep all as they were.
    return restored if areas(restored, valid)[: len(lost)].all() else before


def sweep(labels: Labels, level: Level, distributions: RegionDistributions) -> None:
    """Move each pixel near a border to the best of its own and its neighbours' regions, in place and all at the same time.

    The score of a region is the log density of the mean colour over 3 x 3 pixels, plus `SMOOTHNESS` for each of these pixels
    that is in the region (iterated conditional modes; Besag, 1986). On a tie a pixel stays.
    """
    near = band(labels)
    if level.valid is not None:
        near = near[level.valid.ravel()[near]]
    parts = [near[begin : begin + _BLOCK] for begin in range(0, len(near), _BLOCK)]
    updates = [_best_regions(part, labels, level, distributions) for part in parts]
    for part, better in zip(parts, updates, strict=True):
        labels.ravel()[part] = better


def areas(labels: Labels, valid: Mask | None = None) -> Index:
    """Return the number of valid pixels of each label, shape (256,).

    Pixels are counted block by block, because `numpy.bincount` makes a copy of eight times the size.
    """
    flat = labels.ravel() if valid is None else labels[valid]
    return sum(
        (np.bincount(flat[begin : begin + _COUNTED], minlength=256) for begin in range(0, flat.size, _COUNTED)),
        start=np.zeros(256, np.intp),
    )


def band(labels: Labels) -> Index:
    """Return the flat indices of the pixels at a border and of their neighbours, in ascending order."""
    at_border = np.zeros(labels.shape, np.bool_)
    differ = labels[1:] != labels[:-1]
    at_border[1:] |= differ
    at_border[:-1] |= differ
    differ = labels[:, 1:] != labels[:, :-1]
    at_border[:, 1:] |= differ
    at_border[:, :-1] |= differ
    y, x = np.divmod(np.flatnonzero(at_border), labels.shape[1])
    for down, right in _AROUND:
        at_border.ravel()[_shifted_index(y, x, (down, right), labels.shape)] = True
    return np.flatnonzero(at_border)


def _best_regions(part: Index, labels: Labels, level: Level, distributions: RegionDistributions) -> Labels:
    """Return the best regions (n,) of the pixels with flat indices `part` (n,)."""
    y, x = np.divmod(part, labels.shape[1])
    around = [_shifted_index(y, x, step, labels.shape) for step in _AROUND]
    labels_around = labels.ravel()[np.stack(around)]
    regions = np.flatnonzero(np.bincount(labels_around.ravel()))
    row_of_region = np.zeros(256, np.intp)
    row_of_region[regions] = np.arange(len(regions))
    log_densities = distributions.log_densities(lab(_mean(around, level).T), regions)
    best = labels.ravel()[part]
    best_score = np.full(len(part), -np.inf, np.float32)
    for region in (best, *labels_around):
        agreeing = (labels_around == region).sum(axis=0, dtype=np.uint8)
        score = log_densities[row_of_region[region], np.arange(len(part))] + np.float32(SMOOTHNESS) * agreeing
        best = np.where(score > best_score, region, best)
        best_score = np.maximum(score, best_score)
    return best


def _mean(around: list[Index], level: Level) -> Float32:
    """Return the mean colours (n, 3) over the valid pixels among neighbours, given by their flat indices (9, n)."""
    values = level.pixels.reshape(-1, 3)
    total = np.zeros((len(around[0]), 3), np.float32)
    if level.valid is None:
        for pixel in around:
            total += values[pixel]
        return total / np.float32(len(around))
    count = np.zeros((len(around[0]), 1), np.float32)
    for pixel in around:
        counts = level.valid.ravel()[pixel][:, None]
        total += values[pixel] * counts
        count += counts
    return total / count


def _shifted_index(y: Index, x: Index, step: tuple[int, int], shape: tuple[int, ...]) -> Index:
    """Return the flat indices of the pixels one step (down, right) away, clipped to the picture."""
    height, width = shape
    return np.clip(y + step[0], 0, height - 1) * width + np.clip(x + step[1], 0, width - 1)
