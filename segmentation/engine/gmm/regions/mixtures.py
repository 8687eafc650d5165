"""An ensemble of Gaussian mixtures of one picture, with few to many components, each fitted to its own sample.

With few components borders are missed, and with many there are false borders on gradients. Borders that appear in most
mixtures are reliable.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.fit.em import Data, iterate, maximise, weighted_moments
from segmentation.engine.gmm.mixture.densities import posterior
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, Float32, monomials
from segmentation.engine.gmm.regions.blockwise import products
from segmentation.engine.gmm.regions.pca_part import pca_part_start
from segmentation.engine.progress import OnFraction, ignore_progress, subrange

N_COMPONENTS = (8, 16, 32)
SAMPLE_SIZE = 2**13
EM_STEPS = 30
TOLERANCE = 1e-3  # mean nats per pixel
FLOOR = 1.0
"""Variance added to every feature in each M-step: one unit of L*a*b*, about a just noticeable difference, squared."""

MIN_LOG_POSTERIOR = -40.0
"""Smaller log posteriors are raised to it, because products of them could become subnormal in single precision."""

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
            phi = monomials(standardised(flat[:, block], self.centre))
            for theta, shares in zip(self.thetas, posteriors, strict=True):
                shares[:, block] = posterior(
                    products(theta, phi), precision=np.float32, min_log_ratio=MIN_LOG_POSTERIOR
                )[0]
            on_fraction(min(block.stop / flat.shape[1], 1.0))
        return [shares.reshape(-1, *features.shape[1:]) for shares in posteriors]


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
        on_mixture = subrange(on_fraction, number / len(N_COMPONENTS), (number + 1) / len(N_COMPONENTS))
        thetas.append(fit_mixture(chosen, size, on_mixture))
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
    """Fit a mixture to centred values (D, n) by EM from `pca_part_start`, and return its natural parameters (K, F).

    The parameters are for values from `standardised`.
    """
    data = Data.of(x.T.astype(np.float64) + CENTRE, np.ones(x.shape[1]), single_precision=True)
    start = maximise(weighted_moments(pca_part_start(data, n_components), data), FLOOR)
    fit = iterate(
        data,
        start,
        tolerance=TOLERANCE,
        max_iterations=EM_STEPS,
        floor=FLOOR,
        on_progress=lambda step, _log_likelihood: on_fraction(step / EM_STEPS),
    )
    return fit.mixture.rounded().theta()


def standardised(values: Float32, centre: Float32) -> Float32:
    """Return values (D, n) minus a centre (D,), standardised for `monomials`."""
    return (values - centre[:, None]) / np.float32(SCALE)
