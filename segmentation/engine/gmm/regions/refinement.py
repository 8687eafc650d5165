"""Borders to the pixel, by colour: at the size that was analysed, then from one size to the next up to the full one.

Blurred posteriors place a border to within a pixel or two, and between two sizes it moves no more than that. So only a
narrow band is judged: the work grows with the length of the borders, not with the number of pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.gmm.regions.em_float32 import MIN_LOG_POSTERIOR, Float, expand, maximise, moments, products
from segmentation.engine.gmm.regions.graph import Index, membership
from segmentation.engine.gmm.regions.resampling import Level, Mask, enlarge_labels

SWEEPS = 6  # at each size
SMOOTHNESS = 0.5  # nats for each of the 3 x 3 pixels in the same region (Potts, 1952)
FLOOR_DENSITY = 1e-3  # density that every law admits everywhere, relative to that of the best component

_AROUND = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))
_BLOCK = 2**14  # pixels at a time
_COUNTED = 2**18

Labels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class RegionDistributions:
    """Each region's law of colours: the components of one mixture in shares of its own."""

    theta: Float  # (K, 10) of components of equal weight, over L*a*b* less the centre
    shares: Float32  # (R, K)
    centre: Float32  # (3,)

    @classmethod
    def of(cls, colours: Float32, posterior: Float32, labels: Labels, valid: Mask) -> "RegionDistributions":
        """From colours (3, h, w), posteriors (K, h, w) and regions (h, w) of the small picture."""
        flat = posterior.reshape(len(posterior), -1)
        counted = flat * valid.ravel()
        x = colours.reshape(3, -1)
        centre = x[:, valid.ravel()].mean(axis=1, dtype=np.float64).astype(np.float32)
        theta = maximise(moments(counted, expand(x - centre[:, None])))
        weights = counted.sum(axis=1, dtype=np.float64) / valid.sum()
        theta[:, 0] -= np.log(np.maximum(weights, 1e-9))
        shares = membership(labels, valid) @ np.ascontiguousarray(flat.T)
        return cls(theta, shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9), centre)

    def log_densities(self, colours: Float32, regions: Index) -> Float32:
        """Log density (r, n) of colours (3, n) in some regions (r,), up to a constant for each pixel."""
        log_density = products(self.theta, expand(colours - self.centre[:, None]))
        log_density -= log_density.max(axis=0)
        density = np.exp(np.maximum(log_density, MIN_LOG_POSTERIOR, out=log_density), out=log_density)
        evidence: Float32 = np.log(products(self.shares[regions], density) + np.float32(FLOOR_DENSITY))
        return evidence


def refine(labels: Labels, levels: Sequence[Level], distributions: RegionDistributions) -> Labels:
    """Sharpen a label map, and carry it over to the full picture.

    Parameters
    ----------
    labels : ndarray, shape (h, w), uint8
        Regions 0 .. R - 1.
    levels : sequence of Level
        From small to full size, at least one.
    laws : Laws

    Returns
    -------
    ndarray, shape (H, W), uint8
        A region that would vanish, because its colours are its neighbours', stays as it was.
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
    # Where even this takes the last pixel of another one, the regions are as small as pixels, and borders mean nothing.
    return restored if areas(restored, valid)[: len(lost)].all() else before


def sweep(labels: Labels, level: Level, distributions: RegionDistributions) -> None:
    """Give each pixel near a border, in place and all at once, to the best of its own and its neighbours' regions.

    The best has the largest log density of the mean colour over 3 x 3 pixels, plus `SMOOTHNESS` for each of these pixels in it
    (iterated conditional modes; Besag, 1986). A tie leaves a pixel where it is.
    """
    near = band(labels)
    if level.valid is not None:
        near = near[level.valid.ravel()[near]]
    parts = [near[begin : begin + _BLOCK] for begin in range(0, len(near), _BLOCK)]
    updates = [_best_regions(part, labels, level, distributions) for part in parts]
    for part, better in zip(parts, updates, strict=True):
        labels.ravel()[part] = better


def areas(labels: Labels, valid: Mask | None = None) -> Index:
    """Valid pixels (256,) of each label; bit by bit, because NumPy counts on a copy of eight times the size."""
    flat = labels.ravel() if valid is None else labels[valid]
    return sum(
        (np.bincount(flat[begin : begin + _COUNTED], minlength=256) for begin in range(0, flat.size, _COUNTED)),
        start=np.zeros(256, np.intp),
    )


def band(labels: Labels) -> Index:
    """Flat indices of the pixels within two of a border, in ascending order."""
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
    """New labels (n,) of some pixels."""
    y, x = np.divmod(part, labels.shape[1])
    around = [_shifted_index(y, x, step, labels.shape) for step in _AROUND]
    votes = labels.ravel()[np.stack(around)]
    regions = np.flatnonzero(np.bincount(votes.ravel()))
    place = np.zeros(256, np.intp)
    place[regions] = np.arange(len(regions))
    evidence = distributions.log_densities(lab(_mean(around, level).T), regions)
    best = labels.ravel()[part]
    score = np.full(len(part), -np.inf, np.float32)
    for candidate in (best, *votes):
        agreeing = (votes == candidate).sum(axis=0, dtype=np.uint8)
        other = evidence[place[candidate], np.arange(len(part))] + np.float32(SMOOTHNESS) * agreeing
        best = np.where(other > score, candidate, best)
        score = np.maximum(other, score)
    return best


def _mean(around: list[Index], level: Level) -> Float32:
    """Mean colour (n, 3) over the valid ones of some pixels, of which the middle is one."""
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
    """Flat index of the pixel a step (down, right) away, or the last one before the picture's border."""
    height, width = shape
    return np.clip(y + step[0], 0, height - 1) * width + np.clip(x + step[1], 0, width - 1)
