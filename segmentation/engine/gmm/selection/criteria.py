"""Criteria for the number of clusters (BIC, ICL), and the overlap of components."""

from dataclasses import dataclass

import numpy as np

from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.mixed_pixels.em import Classes, log_joint
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.mixture.densities import posterior
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float


@dataclass(frozen=True, slots=True)
class Criteria:
    """Criteria of a mixture on a sample of pixels, in nats. Larger is better, except for the entropy."""

    log_likelihood: float  # mean over the pixels
    entropy: float  # of the posterior probabilities, mean over the pixels; 0 if clusters do not overlap
    bic: float
    icl: float


def criteria(model: MixedPixelMixture, data: Data, sample_size: float, classes: Classes | None = None) -> Criteria:
    """Return the criteria of a mixture with mixed pixels.

    BIC = n L - p / 2 log n (Schwarz, 1978, as a log-likelihood that is maximised) and ICL = BIC - n H (Biernacki, Celeux and
    Govaert, 2000), for mean log-likelihood L, mean entropy H and p parameters. The entropy is that of the component that a
    pixel belongs to; a mixed pixel belongs to the component that has more of it.

    Parameters
    ----------
    model : MixedPixelMixture
    data : Data
    sample_size : float
        n, the number of independent observations, which is less than the number of pixels, because neighbouring pixels are
        correlated.
    classes : ndarray, shape (n,), or None
        The steepness class of each value. Without mixed pixels its probability is its share in the data, so that models with
        and without them can be compared.
    """
    theta, K = model.theta(), model.n_components
    members = np.equal(model.rows().shares.argmax(axis=1), np.arange(K)[:, None]).astype(np.float64)
    total, entropy, begin = 0.0, 0.0, 0
    for phi, counts in data.parts(len(theta)):
        block = slice(begin, begin := begin + len(counts))
        joint = log_joint(model, theta, phi, None if classes is None else classes[block])
        responsibilities, log_density = posterior(joint)
        owned = members @ responsibilities[:-1]
        logs = np.log(owned, out=np.zeros_like(owned), where=owned > 0)
        total += float((counts * log_density).sum())
        entropy -= float((counts * (owned * logs).sum(axis=0)).sum())
    pixels = float(data.counts.sum())
    level, entropy = total / pixels, entropy / pixels
    if classes is not None and not model.n_pairs:
        shares = np.bincount(classes, weights=data.counts) / pixels
        level += float((shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)).sum())
    D = data.dimension
    n_parameters = K - 1 + K * (D + D * (D + 1) / 2) + model.n_pairs
    bic = sample_size * level - n_parameters / 2 * float(np.log(sample_size))
    return Criteria(level, entropy, bic, bic - sample_size * entropy)


def overlaps(mixture: Mixture) -> Float:
    """Return the Bhattacharyya coefficients between all pairs of components (K, K): 1 for equal ones, 0 for distant ones.

    The coefficient is the integral of sqrt(p_i p_j) (Bhattacharyya, 1943), which is
    exp(-d' S^-1 d / 8) (|S_i| |S_j|)^1/4 / |S|^1/2 for S = (S_i + S_j) / 2 and the difference d of the means. Weights are
    ignored.
    """
    means, covariances = mixture.means, mixture.covariances
    i, j = np.triu_indices(len(means), 1)
    between = (covariances[i] + covariances[j]) / 2
    gaps = means[i] - means[j]
    distance = np.einsum("nd,nd->n", gaps, np.linalg.solve(between, gaps[..., None])[..., 0]) / 8
    sizes = np.linalg.slogdet(covariances).logabsdet
    log_ratio = (sizes[i] + sizes[j]) / 4 - np.linalg.slogdet(between).logabsdet / 2
    coefficients = np.eye(len(means))
    coefficients[i, j] = coefficients[j, i] = np.minimum(np.exp(log_ratio - distance), 1.0)
    return coefficients


def most_overlapping_pair(mixture: Mixture) -> tuple[int, int] | None:
    """Return the two components that overlap most, on a tie the first pair; None for a mixture of one component."""
    if mixture.n_components < 2:
        return None
    above = np.triu(overlaps(mixture), 1)
    above[np.tril_indices(len(above))] = -1.0
    i, j = np.unravel_index(int(above.argmax()), above.shape)
    return int(i), int(j)
