"""A Gaussian mixture as an immutable value, with densities, posteriors, and conversion to JSON and scikit-learn."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.mixture.densities import (
    exact_parameters,
    most_probable_stable,
    natural_parameters,
    posterior,
)
from segmentation.engine.gmm.mixture.families import FAMILIES
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, Indices, blocks, expand, n_monomials
from segmentation.engine.recipe import Covariance

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

Number = TypeVar("Number", bound=np.generic)

SCHEMA = 1
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue in luminance (ITU-R BT.709), applied to the values as stored."""

QUANTUM = 2.0**-16
"""Parameters of a finished fit are rounded to integer multiples of this, which removes the rounding errors of sums."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A mixture of K Gaussians over D features, in the units of the features (0 to 255 for pictures of 8 bits).

    The arrays are read-only copies.

    Raises
    ------
    ValueError
        When the shapes do not agree, a number is not finite or a weight is not positive.
    """

    weights: Float  # (K,), positive, sum 1
    means: Float  # (K, D)
    covariances: Float  # (K, D, D), positive definite
    covariance_type: Covariance = Covariance.FULL  # the family of the covariances

    def __post_init__(self) -> None:
        for name in ("weights", "means", "covariances"):
            array = np.array(getattr(self, name), dtype=np.float64, order="C")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        K, D = self.means.shape if self.means.ndim == 2 else (0, 0)
        if K == 0 or self.weights.shape != (K,) or self.covariances.shape != (K, D, D):
            raise ValueError("weights (K,), means (K, D) and covariances (K, D, D) must agree, with K at least 1")
        if not all(np.isfinite(array).all() for array in (self.weights, self.means, self.covariances)):
            raise ValueError("all parameters must be finite")
        if (self.weights <= 0).any():
            raise ValueError("weights must be positive")

    @property
    def n_components(self) -> int:
        return len(self.weights)

    @property
    def n_parameters(self) -> int:
        """Number of free parameters: K - 1 weights, K D means, and those of the covariance family."""
        K, D = self.means.shape
        return int(K - 1 + K * D) + FAMILIES[self.covariance_type].n_parameters(K, D)

    @property
    def is_definite(self) -> bool:
        """Whether all covariances are positive definite, so that there are densities in double precision."""
        try:
            return bool(np.isfinite(self.theta()).all())
        except np.linalg.LinAlgError:
            return False

    def log_density(self, values: ArrayLike) -> Float:
        """Return the natural logarithm of the mixture's density at values (..., D); shape (...), nats per unit^D."""
        theta = self.theta()
        return self._evaluate(values, lambda phi: posterior(theta @ phi)[1])

    def posterior(self, values: ArrayLike) -> Float:
        """Return the posterior probability of each component at values (..., D); shape (..., K), sums to 1."""
        theta = self.theta()
        return self._evaluate(values, lambda phi: posterior(theta @ phi)[0].T)

    def predict(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return the most probable component at values (..., D); shape (...), on a tie the first.

        These are the labels of `segment`, to the byte: for pixels of 8 bits given as they are, for others given the features
        of `extract_features`; for another picture with the units of the result.
        """
        theta = exact_parameters(self.theta()) if np.asarray(values).dtype == np.uint8 else self.theta()
        return self._evaluate(values, lambda phi: most_probable_stable(theta, phi))

    def theta(self) -> Float:
        """Return the natural parameters, shape (K, F): log(weight_k N(x | mean_k, covariance_k)) = theta_k . phi(x)."""
        factors = np.linalg.cholesky((self.covariances / SCALE**2).astype(np.float64))
        return natural_parameters(np.log(self.weights), (self.means - CENTRE) / SCALE, factors)

    def order(self) -> Indices:
        """Return the component indices (K,) by ascending luminance of the mean; on a tie the larger weight comes first.

        Luminance is that of BT.709 for three features, and the mean of the features otherwise.
        """
        D = self.means.shape[1]
        brightness = (self.means * (LUMINANCE if D == 3 else 1 / D)).sum(axis=1)
        return np.lexsort((-self.weights, brightness))

    def ordered(self) -> Self:
        """Return the mixture with its components in `order`."""
        return self.subset(self.order())

    def subset(self, numbers: Indices) -> Self:
        """Return the mixture of the components `numbers`, in that order, with weights scaled to sum 1."""
        weights = self.weights[numbers]
        return type(self)(weights / weights.sum(), self.means[numbers], self.covariances[numbers], self.covariance_type)

    def rescaled(self, gain: Float, shift: Float) -> Self:
        """Return the mixture of shift + gain * x, where x has this mixture and gain and shift have shape (D,)."""
        covariances = self.covariances * gain[:, None] * gain
        return type(self)(self.weights, shift + gain * self.means, covariances, self.covariance_type)

    def rounded(self) -> Self:
        """Return the mixture with means and Cholesky factors in multiples of 2^-16, and weights of 24 significant bits.

        The last bits of a fit depend on the order in which a processor sums; rounding removes them, so that the same picture
        gives the same mixture on every processor. Cholesky factors are rounded because rounded covariances might not be
        positive definite; the diagonal of the factors is kept above 0.
        """
        factors = quantise(np.linalg.cholesky(self.covariances), QUANTUM)
        diagonal = np.arange(self.means.shape[1])
        factors[:, diagonal, diagonal] = np.maximum(factors[:, diagonal, diagonal], QUANTUM)
        weights = self.weights.astype(np.float32).astype(np.float64)
        covariances = np.einsum("kil,kjl->kij", factors, factors)
        return type(self)(weights, quantise(self.means, QUANTUM), covariances, self.covariance_type)

    def to_mapping(self) -> dict[str, Any]:
        """Return a JSON object; every number keeps all its bits."""
        return {
            "schema": SCHEMA,
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "covariances": self.covariances.tolist(),
            "covariance_type": self.covariance_type.value,
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written.

        Raises
        ------
        ValueError
            For a newer schema, or numbers that are not a mixture.
        """
        if mapping.get("schema") != SCHEMA:
            raise ValueError(f"mixture schema {mapping.get('schema')} is not known")
        weights, means, covariances = (
            np.array(mapping[name], dtype=np.float64) for name in ("weights", "means", "covariances")
        )
        return cls(weights, means, covariances, Covariance(mapping.get("covariance_type", "full")))

    def to_json(self) -> str:
        """Return `to_mapping` as text; lossless."""
        return json.dumps(self.to_mapping())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse what `to_json` has written; raises ValueError."""
        return cls.from_mapping(json.loads(text))

    def to_sklearn(self) -> "GaussianMixture":
        """Return a fitted scikit-learn `GaussianMixture` with the same parameters."""
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - takes a second to import, and only this needs it

        family = FAMILIES[self.covariance_type]
        model = GaussianMixture(self.n_components, covariance_type=family.sklearn_type)
        model.weights_, model.means_ = self.weights.copy(), self.means.copy()
        model.covariances_ = family.compact(self.covariances)
        whitening = np.linalg.inv(np.linalg.cholesky(self.covariances)).transpose(0, 2, 1)
        model.precisions_cholesky_ = np.ascontiguousarray(family.compact(whitening))
        model.precisions_ = family.compact(whitening @ whitening.transpose(0, 2, 1))
        model.n_features_in_ = self.means.shape[1]
        model.converged_, model.n_iter_, model.lower_bound_ = True, 0, float("nan")
        return model

    def _evaluate(self, values: ArrayLike, kernel: Callable[[Float], NDArray[Number]]) -> NDArray[Number]:
        """Apply a kernel on monomials (F, n) to values (..., D), block by block."""
        array = np.asarray(values)
        if array.ndim == 0 or array.shape[-1] != self.means.shape[1]:
            raise ValueError(f"values must have {self.means.shape[1]} entries along the last axis")
        rows = array.reshape(-1, array.shape[-1])
        F = n_monomials(rows.shape[1])
        parts = [kernel(expand(rows[block])) for block in blocks(max(len(rows), 1), self.n_components, F)]
        joined = np.concatenate(parts)
        return joined.reshape(array.shape[:-1] + joined.shape[1:])


def quantise(numbers: NDArray[np.floating], quantum: float) -> Float:
    """Return the nearest integer multiples of `quantum`, which is a power of two."""
    multiples: Float = np.rint(numbers / quantum) * quantum
    return multiples
