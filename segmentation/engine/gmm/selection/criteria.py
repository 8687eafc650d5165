"""Criteria for the number of clusters (BIC, ICL), and the overlap of components."""

from dataclasses import dataclass

import numpy as np

from segmentation.engine.gmm.fit.em import Data
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


def criteria(mixture: Mixture, data: Data, sample_size: float | None = None) -> Criteria:
    """Return the criteria of a mixture.

    BIC = n L - p / 2 log n (Schwarz, 1978, as a log-likelihood that is maximised) and ICL = BIC - n H (Biernacki, Celeux and
    Govaert, 2000), for mean log-likelihood L, mean entropy H and p parameters.

    Parameters
    ----------
    mixture : Mixture
    data : Data
    sample_size : float or None
        n, the number of independent observations, which is less than the number of pixels, because neighbouring pixels are
        correlated. None means the number of pixels.
    """
    theta, total, entropy = mixture.theta(), 0.0, 0.0
    for phi, counts in data.parts(len(theta)):
        responsibilities, log_density = posterior(theta @ phi)
        logs = np.log(responsibilities, out=np.zeros_like(responsibilities), where=responsibilities > 0)
        total += float((counts * log_density).sum())
        entropy -= float((counts * (responsibilities * logs).sum(axis=0)).sum())
    pixels = float(data.counts.sum())
    n = pixels if sample_size is None else sample_size
    level, entropy = total / pixels, entropy / pixels
    bic = n * level - mixture.n_parameters / 2 * float(np.log(n))
    return Criteria(level, entropy, bic, bic - n * entropy)


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
