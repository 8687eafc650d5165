"""From borders found on a small picture to borders at full size: from one size to the next, by colour.

Between two sizes a border moves by a pixel or two, so only a narrow band is judged: the work grows with the length of the
borders, not with the number of pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.regions.blur import Float32
from segmentation.engine.gmm.regions.families import LEAST, expand, maximise, moments, products
from segmentation.engine.gmm.regions.features import lab
from segmentation.engine.gmm.regions.graph import Index, membership
from segmentation.engine.gmm.regions.resampling import averaged, averaged_valid, enlarged

SWEEPS = 3  # at each size
SMOOTHNESS = 1.0  # nats for each of 8 neighbours in the same region (Potts, 1952)
DOUBT = 1e-3  # density that every law admits everywhere, relative to that of the best component

_AROUND = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))
_NEIGHBOURS = tuple(step for step in _AROUND if step != (0, 0))
_BLOCK = 2**14  # pixels at a time

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Laws:
    """Each region's law of colours: the components of one mixture in shares of its own."""

    theta: Float32  # (K, 10) of components of equal weight, over L*a*b* less the centre
    shares: Float32  # (R, K)
    centre: Float32  # (3,)

    @classmethod
    def of(cls, colours: Float32, posterior: Float32, labels: Labels, valid: Mask) -> "Laws":
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

    def evidence(self, colours: Float32) -> Float32:
        """Log density (R, n) of colours (3, n) in each region, up to a constant for each pixel."""
        log_density = products(self.theta, expand(colours - self.centre[:, None]))
        log_density -= log_density.max(axis=0)
        density = np.exp(np.maximum(log_density, LEAST, out=log_density), out=log_density)
        evidence: Float32 = np.log(products(self.shares, density) + np.float32(DOUBT))
        return evidence


def refine(labels: Labels, pixels: NDArray[np.uint8], valid: Mask | None, laws: Laws) -> Labels:
    """Carry a label map over to the full picture.

    Parameters
    ----------
    labels : ndarray, shape (h, w), uint8
        Regions 0 .. R - 1.
    pixels : ndarray, shape (H, W, 3), uint8
        sRGB.
    valid : ndarray, shape (H, W), bool, or None for all
    laws : Laws

    Returns
    -------
    ndarray, shape (H, W), uint8
        A region that would vanish, because its colours are its neighbours', stays as it was.
    """
    coarse = labels
    for larger, counts in _pyramid(pixels, valid, labels.shape):
        labels = enlarged(labels, larger.shape[:2])
        for _ in range(SWEEPS):
            sweep(labels, larger, counts, laws)
    lost = np.bincount(labels.ravel(), minlength=len(laws.shares)) == 0
    if lost.any():
        before = enlarged(coarse, labels.shape)
        labels = np.where(lost[before], before, labels)
    return labels


def sweep(labels: Labels, pixels: NDArray[np.uint8], valid: Mask | None, laws: Laws) -> None:
    """Give each pixel near a border, in place and all at once, to the best of its own and its neighbours' regions.

    The best has the largest log density of the mean colour over 3 x 3 pixels, plus `SMOOTHNESS` for each neighbour in it
    (iterated conditional modes; Besag, 1986). A tie leaves a pixel where it is.
    """
    near = band(labels)
    if valid is not None:
        near = near[valid.ravel()[near]]
    if len(near):
        parts = [near[begin : begin + _BLOCK] for begin in range(0, len(near), _BLOCK)]
        labels.ravel()[near] = np.concatenate([_judged(part, labels, pixels, laws) for part in parts])


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
    for down, right in _NEIGHBOURS:
        at_border.ravel()[_beside(y, x, (down, right), labels.shape)] = True
    return np.flatnonzero(at_border)


def _judged(part: Index, labels: Labels, pixels: NDArray[np.uint8], laws: Laws) -> Labels:
    """New labels (n,) of some pixels."""
    y, x = np.divmod(part, labels.shape[1])
    values = pixels.reshape(-1, 3)
    mean = np.zeros((len(part), 3), np.float32)
    for step in _AROUND:
        mean += values[_beside(y, x, step, labels.shape)]
    evidence = laws.evidence(lab(mean[None] / np.float32(len(_AROUND)))[:, 0])
    around = np.stack([labels.ravel()[_beside(y, x, step, labels.shape)] for step in _NEIGHBOURS])
    best = labels.ravel()[part]
    score = _score(best, around, evidence)
    for candidate in around:
        other = _score(candidate, around, evidence)
        better = other > score
        best = np.where(better, candidate, best)
        score = np.where(better, other, score)
    return best


def _score(candidate: Labels, around: Labels, evidence: Float32) -> Float32:
    votes = (around == candidate).sum(axis=0, dtype=np.uint8)
    score: Float32 = evidence[candidate, np.arange(len(candidate))] + np.float32(SMOOTHNESS) * votes
    return score


def _beside(y: Index, x: Index, step: tuple[int, int], shape: tuple[int, ...]) -> Index:
    """Flat index of the pixel a step (down, right) away, or the last one before the picture's border."""
    height, width = shape
    return np.clip(y + step[0], 0, height - 1) * width + np.clip(x + step[1], 0, width - 1)


def _pyramid(
    pixels: NDArray[np.uint8], valid: Mask | None, smallest: tuple[int, ...]
) -> list[tuple[NDArray[np.uint8], Mask | None]]:
    """The picture and its mask at sizes that grow from `smallest` (excluded) by at most 2 at a step."""
    ratios = np.array(pixels.shape[:2]) / smallest
    n_steps = int(np.ceil(np.log2(ratios.max())))
    levels: list[tuple[NDArray[np.uint8], Mask | None]] = [(pixels, valid)]
    for step in range(n_steps - 1, 0, -1):
        height, width = (round(n * ratio ** (step / n_steps)) for n, ratio in zip(smallest, ratios, strict=True))
        larger, counts = levels[-1]
        if counts is None:
            levels.append((_bytes(averaged(larger, (height, width))), None))
        else:
            means, there = averaged_valid(larger, counts, (height, width))
            levels.append((_bytes(means), there))
    return levels[::-1]


def _bytes(values: Float32) -> NDArray[np.uint8]:
    return np.rint(values).astype(np.uint8)
