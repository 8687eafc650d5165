"""Several mixtures of one picture, from few components to many, each fitted to its own sample.

No single mixture is right: few components hide borders, many invent them on ramps. What most of them say is the
picture's own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.gmm.regions.em_float32 import Float, expand, maximise, moments, products, softmax
from segmentation.engine.gmm.regions.pca_part import pca_part_start
from segmentation.engine.progress import OnFraction, ignore_progress, subrange

N_COMPONENTS = (8, 16, 32)
SAMPLE_SIZE = 2**13
EM_STEPS = 30
TOLERANCE = 1e-3  # mean nats a pixel
PHASES = (0.0, 1 / 3, 2 / 3)  # of each mixture's sample

_GOLDEN = (5**0.5 - 1) / 2
_BLOCK = 2**12  # pixels at a time: their statistics stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """Mixtures of features less a common centre: squares of float32 are precise near 0 only."""

    centre: Float32  # (D,)
    thetas: tuple[Float, ...]  # (K, F) each

    def posteriors(self, features: Float32, on_fraction: OnFraction = ignore_progress) -> list[Float32]:
        """Posterior probabilities (K, H, W) under each mixture of features (D, H, W)."""
        flat = features.reshape(len(features), -1)
        posteriors = [np.empty((len(theta), flat.shape[1]), np.float32) for theta in self.thetas]
        for begin in range(0, flat.shape[1], _BLOCK):
            block = slice(begin, begin + _BLOCK)
            phi = expand(flat[:, block] - self.centre[:, None])
            for theta, posterior in zip(self.thetas, posteriors, strict=True):
                posterior[:, block] = softmax(products(theta, phi))[0]
            on_fraction(min(block.stop / flat.shape[1], 1.0))
        return [posterior.reshape(-1, *features.shape[1:]) for posterior in posteriors]


def fit_ensemble(features: Float32, valid: NDArray[np.bool_], on_fraction: OnFraction = ignore_progress) -> Ensemble:
    """Fit all mixtures.

    Parameters
    ----------
    features : ndarray, shape (D, H, W), float32
    valid : ndarray, shape (H, W), bool
        Which pixels count; at least one.
    on_fraction : callable
        Told after every step of EM how much is done, up to 1.
    """
    values = features[:, valid]
    centre = values.mean(axis=1, dtype=np.float64).astype(np.float32)
    thetas = []
    for number, (size, phase) in enumerate(zip(N_COMPONENTS, PHASES, strict=True)):
        chosen = values[:, golden_ratio_indices(values.shape[1], SAMPLE_SIZE, phase)] - centre[:, None]
        thetas.append(
            fit_mixture(
                chosen, size, subrange(on_fraction, number / len(N_COMPONENTS), (number + 1) / len(N_COMPONENTS))
            )
        )
    return Ensemble(centre, tuple(thetas))


def golden_ratio_indices(n: int, size: int, phase: float) -> NDArray[np.intp]:
    """Indices of a sample: one of each of `size` equal stretches of 0 .. n - 1, or all.

    Its place in the k-th stretch is the fraction of phase + k times the golden ratio: as even as a lattice (Weyl, 1916),
    yet in step with no pattern of the picture.
    """
    k = np.arange(min(size, n))
    places = (k + (phase + k * _GOLDEN) % 1) * (n / len(k)) if n > size else k
    return np.minimum(places.astype(np.intp), n - 1)


def fit_mixture(x: Float32, n_components: int, on_fraction: OnFraction = ignore_progress) -> Float:
    """EM from `starts.pca_part_start` on centred values (D, n); natural parameters (K, F)."""
    phi = expand(x).astype(np.float64)  # once for all products
    theta = maximise(moments(pca_part_start(x, phi, n_components), phi))
    before = -np.inf
    for step in range(EM_STEPS):
        responsibilities, log_density = softmax(products(theta, phi))
        theta = maximise(moments(responsibilities, phi))
        level = float(log_density.mean(dtype=np.float64))
        on_fraction((step + 1) / EM_STEPS)
        if level - before < TOLERANCE:
            break
        before = level
    return theta
