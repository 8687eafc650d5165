"""How good a mixture is for its size, and how much its clusters overlap."""

from dataclasses import dataclass

import numpy as np

from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.mixture.densities import posterior
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float


@dataclass(frozen=True, slots=True)
class Criteria:
    """Criteria of one mixture on some pixels, all in nats; more is better, but for the entropy."""

    log_likelihood: float  # mean over the pixels
    entropy: float  # of the posterior probabilities, mean over the pixels: 0 where clusters do not overlap
    bic: float
    icl: float


def criteria(mixture: Mixture, data: Data, sample_size: float | None = None) -> Criteria:
    """Compute the criteria of a mixture.

    BIC = n L - p / 2 log n (Schwarz, 1978, with the sign and scale of a log-likelihood), ICL = BIC - n H (Biernacki,
    Celeux and Govaert, 2000), for mean log-likelihood L, mean entropy H and p parameters.

    Parameters
    ----------
    mixture : Mixture
    data : Data
    sample_size : float or None
        n. Neighbouring pixels tell nearly the same, so a picture is worth fewer observations than it has pixels; None
        counts them all.
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
    """Bhattacharyya coefficients between every two components (K, K): 1 on the diagonal, 0 where they are far apart.

    exp(-d' S^-1 d / 8) (|S_i| |S_j|)^1/4 / |S|^1/2 for S = (S_i + S_j) / 2 and the gap d of the means (Bhattacharyya,
    1943): the integral of the root of both densities' product. Weights play no part.
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
    """The two components that overlap most, which one would merge first; of equal pairs the first, of one component None."""
    if mixture.n_components < 2:
        return None
    above = np.triu(overlaps(mixture), 1)
    above[np.tril_indices(len(above))] = -1.0
    i, j = np.unravel_index(int(above.argmax()), above.shape)
    return int(i), int(j)
