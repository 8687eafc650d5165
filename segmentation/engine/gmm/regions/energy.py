"""Boundary energy: how much the posterior probabilities change across a pixel, in each of eight directions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segmentation.engine.gmm.labels.blur import gaussian_blur
from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.progress import OnFraction, ignore_progress

NORMALS = 8


class Scale(NamedTuple):
    """A scale at which posteriors on both sides of a pixel are compared, in pixels of the picture.

    Posteriors with a wide blur are reduced first, which changes the result little and takes a quarter of the time.
    """

    sigma: float  # standard deviation of the blur of the posteriors
    distance: float  # from the pixel to the points that are compared
    halvings: int  # how often the size of the posteriors is halved


SCALES = (Scale(2.0, 3.0, 0), Scale(4.0, 6.0, 1))


def energies(posteriors: Sequence[Float32], on_fraction: OnFraction = ignore_progress) -> Float32:
    """Return the mean Hellinger distance between the posteriors on both sides of each pixel.

    Parameters
    ----------
    posteriors : sequence of ndarray, shape (K, H, W), float32
        Posterior probabilities under each mixture.
    on_fraction : callable
        Called after each mixture and scale with the fraction of the work that is done, up to 1.

    Returns
    -------
    ndarray, shape (8, H, W), float32, 0 to 1
        E_n(x) = mean over mixtures and scales (s, d) of Hellinger(G_s * p at x + d n, G_s * p at x - d n), for normals
        n at angles 0, 22.5, .. 157.5 degrees from the x axis towards the y axis.
    """
    total = np.zeros((NORMALS, *posteriors[0].shape[1:]), np.float32)
    pairs = [(scale, posterior) for scale in SCALES for posterior in posteriors]
    for number, (scale, posterior) in enumerate(pairs, start=1):
        total += _at(posterior, scale, scale.halvings)
        on_fraction(number / len(pairs))
    total /= len(SCALES) * len(posteriors)
    return total


def steps(distance: float) -> list[tuple[int, int]]:
    """Return integer steps (down, right) of about the given distance, one for each normal."""
    angles = [n * np.pi / NORMALS for n in range(NORMALS)]
    return [(round(distance * np.sin(angle)), round(distance * np.cos(angle))) for angle in angles]


def hellinger_distances(posterior: Float32, sigma: float, distance: float) -> Float32:
    """Return the Hellinger distances (8, H, W) for one mixture at one scale, with the picture mirrored at its borders.

    H^2(p, q) = 1 - sum_k sqrt(p_k q_k).
    """
    height, width = posterior.shape[1:]
    margin = int(np.ceil(distance))
    roots = gaussian_blur(posterior, sigma, margin)
    np.sqrt(roots, out=roots)
    result = np.empty((NORMALS, height, width), np.float32)
    for target, (down, right) in zip(result, steps(distance), strict=True):
        one = roots[:, margin + down :, margin + right :][:, :height, :width]
        other = roots[:, margin - down :, margin - right :][:, :height, :width]
        np.einsum("khw,khw->hw", one, other, out=target)
    np.subtract(1, result, out=result)
    np.maximum(result, 0, out=result)
    return np.sqrt(result, out=result)


def _at(posterior: Float32, scale: Scale, halvings: int) -> Float32:
    """Return the Hellinger distances at a scale, computed on posteriors whose size is halved `halvings` times."""
    if halvings == 0:
        block = 2**scale.halvings
        # Averaging over blocks is a blur with the variance of a uniform distribution on the pixels of a block.
        sigma = np.sqrt(scale.sigma**2 - (block**2 - 1) / 12) / block
        return hellinger_distances(posterior, float(sigma), scale.distance / block)
    return doubled(_at(halved(posterior), scale, halvings - 1), posterior.shape[1:])


def halved(planes: Float32) -> Float32:
    """Return the means over 2 x 2 pixels of planes (P, H, W); an odd last row or column counts twice."""
    _, height, width = planes.shape
    planes = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    rows = planes[:, ::2] + planes[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25)


def doubled(planes: Float32, shape: tuple[int, ...]) -> Float32:
    """Return planes (P, H, W) at twice their size, interpolated linearly; `shape` is (2 H, 2 W) or one less on each side."""
    for axis, length in enumerate(shape, start=1):
        along = np.moveaxis(planes, axis, 0)
        near = along * np.float32(0.75)
        far = along * np.float32(0.25)
        finer = np.repeat(near, 2, axis=0)
        finer[::2] += np.concatenate([far[:1], far[:-1]])
        finer[1::2] += np.concatenate([far[1:], far[-1:]])
        planes = np.moveaxis(finer[:length], 0, axis)
    return planes
