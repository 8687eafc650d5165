"""A Gaussian mixture as a value, and its log density as a linear function of `monomials.expand`."""

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
"""Weights of red, green and blue (ITU-R BT.709), applied to the values as stored."""

QUANTUM = 2.0**-16
"""Parameters of a finished fit are whole multiples of it: far below what matters, far above the rounding of sums."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Weights, means and covariances of K Gaussians over D values, in units of the features (of 8 bits: 0 to 255).

    The arrays are private read-only copies.

    Raises
    ------
    ValueError
        When shapes do not fit together, a number is not finite or a weight is not positive.
    """

    weights: Float  # (K,), positive, sum 1
    means: Float  # (K, D)
    covariances: Float  # (K, D, D), positive definite
    covariance_type: Covariance = Covariance.FULL  # the family that they were fitted in

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
        """Free numbers of the model: weights less one, means, and covariances as their family has them."""
        K, D = self.means.shape
        return int(K - 1 + K * D) + FAMILIES[self.covariance_type].n_parameters(K, D)

    def log_density(self, values: ArrayLike) -> Float:
        """Natural logarithm of the mixture's density at values (..., D); shape (...), nats per unit^D."""
        theta = self.theta()
        return self._evaluate(values, lambda phi: posterior(theta @ phi)[1])

    def posterior(self, values: ArrayLike) -> Float:
        """Posterior probability of each component at values (..., D); shape (..., K), sums to 1."""
        theta = self.theta()
        return self._evaluate(values, lambda phi: posterior(theta @ phi)[0].T)

    def predict(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Most probable component at values (..., D); shape (...). Of exactly equal ones the first.

        These are the labels that `segment` gives, to the byte: at pixels of 8 bits as they are, at others as
        `features.measure` gives them, for another picture with the units of the result.
        """
        theta = exact_parameters(self.theta()) if np.asarray(values).dtype == np.uint8 else self.theta()
        return self._evaluate(values, lambda phi: most_probable_stable(theta, phi))

    def theta(self) -> Float:
        """Natural parameters, shape (K, F): log(weight_k N(x | mean_k, covariance_k)) = theta_k . phi(x)."""
        factors = np.linalg.cholesky((self.covariances / SCALE**2).astype(np.float64))
        return natural_parameters(np.log(self.weights), (self.means - CENTRE) / SCALE, factors)

    def order(self) -> Indices:
        """Component numbers (K,) by ascending luminance of the mean, of equal ones the heavier first.

        Luminance is Rec. 709's for three values, else their plain mean.
        """
        D = self.means.shape[1]
        brightness = (self.means * (LUMINANCE if D == 3 else 1 / D)).sum(axis=1)
        return np.lexsort((-self.weights, brightness))

    def ordered(self) -> Self:
        """The same mixture with components in `order`."""
        return self.subset(self.order())

    def subset(self, numbers: Indices) -> Self:
        """The mixture of some components, or of all in another order; weights are scaled to sum 1."""
        weights = self.weights[numbers]
        return type(self)(weights / weights.sum(), self.means[numbers], self.covariances[numbers], self.covariance_type)

    def rescaled(self, gain: Float, shift: Float) -> Self:
        """The mixture of shift + gain * value, for gains and shifts (D,) of the values."""
        covariances = self.covariances * gain[:, None] * gain
        return type(self)(self.weights, shift + gain * self.means, covariances, self.covariance_type)

    def rounded(self) -> Self:
        """The mixture with means and Cholesky factors in multiples of 2^-16, and weights of 24 significant bits.

        The last bits of a fit depend on how a processor orders its sums. They end here, so that the same picture gives
        the same mixture everywhere. Factors, unlike covariances, stay those of a Gaussian; their diagonal is kept above
        0.
        """
        factors = quantise(np.linalg.cholesky(self.covariances), QUANTUM)
        diagonal = np.arange(self.means.shape[1])
        factors[:, diagonal, diagonal] = np.maximum(factors[:, diagonal, diagonal], QUANTUM)
        weights = self.weights.astype(np.float32).astype(np.float64)
        covariances = np.einsum("kil,kjl->kij", factors, factors)
        return type(self)(weights, quantise(self.means, QUANTUM), covariances, self.covariance_type)

    def to_mapping(self) -> dict[str, Any]:
        """A JSON object; every number keeps all its bits."""
        return {
            "schema": SCHEMA,
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "covariances": self.covariances.tolist(),
            "covariance_type": self.covariance_type.value,
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """The inverse of `to_mapping`.

        Raises
        ------
        ValueError
            For a newer schema or numbers that are no mixture.
        """
        if mapping.get("schema") != SCHEMA:
            raise ValueError(f"mixture schema {mapping.get('schema')} is not known")
        weights, means, covariances = (
            np.array(mapping[name], dtype=np.float64) for name in ("weights", "means", "covariances")
        )
        return cls(weights, means, covariances, Covariance(mapping.get("covariance_type", "full")))

    def to_json(self) -> str:
        """`to_mapping` as text; lossless."""
        return json.dumps(self.to_mapping())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`; raises ValueError."""
        return cls.from_mapping(json.loads(text))

    def to_sklearn(self) -> "GaussianMixture":
        """A fitted scikit-learn mixture with the same parameters. The only place that imports scikit-learn."""
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - takes a second; nothing else here needs it

        family = FAMILIES[self.covariance_type]
        model = GaussianMixture(self.n_components, covariance_type=self.covariance_type.value)
        model.weights_, model.means_ = self.weights.copy(), self.means.copy()
        model.covariances_ = family.compact(self.covariances)
        whitening = np.linalg.inv(np.linalg.cholesky(self.covariances)).transpose(0, 2, 1)
        model.precisions_cholesky_ = np.ascontiguousarray(family.compact(whitening))
        model.precisions_ = family.compact(whitening @ whitening.transpose(0, 2, 1))
        model.n_features_in_ = self.means.shape[1]
        model.converged_, model.n_iter_, model.lower_bound_ = True, 0, float("nan")
        return model

    def _evaluate(self, values: ArrayLike, kernel: Callable[[Float], NDArray[Number]]) -> NDArray[Number]:
        """Apply a kernel on monomials (F, n) to values of any leading shape, in blocks."""
        array = np.asarray(values)
        if array.ndim == 0 or array.shape[-1] != self.means.shape[1]:
            raise ValueError(f"values must have {self.means.shape[1]} entries along the last axis")
        rows = array.reshape(-1, array.shape[-1])
        n_features = n_monomials(rows.shape[1])
        parts = [kernel(expand(rows[block])) for block in blocks(max(len(rows), 1), self.n_components, n_features)]
        joined = np.concatenate(parts)
        return joined.reshape(array.shape[:-1] + joined.shape[1:])


def quantise(numbers: NDArray[np.floating], quantum: float) -> Float:
    """The nearest whole multiples of a power of two."""
    multiples: Float = np.rint(numbers / quantum) * quantum
    return multiples
