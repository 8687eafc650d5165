"""An ensemble of Gaussian mixtures of one picture, with few to many components, each fitted to its own sample.

With few components borders are missed, and with many there are false borders on gradients. Borders that appear in most
mixtures are reliable.
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
TOLERANCE = 1e-3  # mean nats per pixel
PHASES = (0.0, 1 / 3, 2 / 3)  # of the samples of the mixtures, see `golden_ratio_indices`

_GOLDEN = (5**0.5 - 1) / 2
_BLOCK = 2**12  # pixels that are processed at a time; their monomials stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """Several mixtures over features minus a common centre, because squares in float32 are precise near 0 only."""

    centre: Float32  # (D,)
    thetas: tuple[Float, ...]  # natural parameters (K, F) of each mixture

    def posteriors(self, features: Float32, on_fraction: OnFraction = ignore_progress) -> list[Float32]:
        """Return the posterior probabilities (K, H, W) of features (D, H, W) under each mixture."""
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
    """Fit the mixtures of an ensemble.

    Parameters
    ----------
    features : ndarray, shape (D, H, W), float32
    valid : ndarray, shape (H, W), bool
        Which pixels are valid; at least one.
    on_fraction : callable
        Called after every EM step with the fraction of the work that is done, up to 1.
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
    """Return one index from each of `size` equal strata of 0 .. n - 1, or all indices if there are no more.

    The position in the k-th stratum is the fractional part of phase + k times the golden ratio, a low-discrepancy sequence
    (Weyl, 1916). It is spread evenly without being in step with patterns of the picture.
    """
    k = np.arange(min(size, n))
    positions = (k + (phase + k * _GOLDEN) % 1) * (n / len(k)) if n > size else k
    return np.minimum(positions.astype(np.intp), n - 1)


def fit_mixture(x: Float32, n_components: int, on_fraction: OnFraction = ignore_progress) -> Float:
    """Fit a mixture to centred values (D, n) by EM from `pca_part_start`, and return its natural parameters (K, F)."""
    phi = expand(x).astype(np.float64)  # converted once for all products
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
