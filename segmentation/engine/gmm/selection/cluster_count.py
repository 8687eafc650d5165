"""Choose the number of clusters by the integrated completed likelihood (ICL; Biernacki, Celeux and Govaert, 2000).

A mixture of many components is merged down pair by pair, with EM steps in between, and ICL is computed for each number of
clusters. Two corrections are needed. Pixels at edges mix two materials and look like further clusters, so only pixels away
from edges are used (`edges`). Neighbouring pixels are not independent, so a picture counts as 2,000 observations. With both,
ICL finds the true number on phantoms; without them, BIC and ICL grow with every further component.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.fit.em import Data, iterate
from segmentation.engine.gmm.fit.merging import merge_cheapest
from segmentation.engine.gmm.fit.starts import kmeans_start
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.pixels.sample import NO_DATA
from segmentation.engine.gmm.pixels.sampling import sample_indices, windows
from segmentation.engine.gmm.pixels.sources import FeatureSource
from segmentation.engine.gmm.selection.criteria import Criteria, criteria
from segmentation.engine.gmm.selection.edges import interior_mask
from segmentation.engine.gmm.selection.reasons import Reason
from segmentation.engine.progress import OnFraction, ignore_progress
from segmentation.engine.recipe import Covariance

MAX_N_CLUSTERS = 12
"""Largest number of clusters that is tried."""

INTERIOR_PIXELS = 8000
"""Size of the sample of pixels away from edges."""

MIN_INTERIOR_PIXELS = 200
"""With fewer pixels away from edges, the sample is drawn from all pixels."""

MAP_SIDE = 96
"""Longest side of the small label maps, in pixels."""

SURPLUS = 20  # components before the first merger
EM_STEPS = 10  # EM steps before the first merger
MERGE_STEPS, CANDIDATE_STEPS = 1, 3  # EM steps after a merger: above `MAX_N_CLUSTERS` components, and from there on

EFFECTIVE_SAMPLE_SIZE = 2000.0
"""Number of independent observations in a picture, n in the criteria. Of 200 phantoms with 2 to 6 phases, 1,000 finds the true
number for 176, 1,500 for 196 and 2,000 for 198. Larger numbers find all, but split photographs into too many clusters."""

ICL_TOLERANCE = 10.0
"""Difference of ICL, in nats, within which numbers of clusters are called nearly as good. Under the model this difference means
odds of more than 20,000 to 1; but pictures are not exactly mixtures of Gaussians, so smaller differences are not significant."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One number of clusters that was tried, with its mixture and criteria."""

    mixture: Mixture
    criteria: Criteria

    @property
    def n_clusters(self) -> int:
        return self.mixture.n_components


@dataclass(frozen=True, slots=True, eq=False)
class ClusterCountChoice:
    """The chosen number of clusters, and all numbers that were tried."""

    best: Candidate  # with the largest ICL
    candidates: tuple[Candidate, ...]  # of 1, 2, ... clusters

    @property
    def n_clusters(self) -> int:
        return self.best.n_clusters

    @property
    def plateau(self) -> tuple[int, int]:
        """The smallest and the largest number of clusters around the best whose ICL is within `ICL_TOLERANCE` of it."""
        good = [one.criteria.icl >= self.best.criteria.icl - ICL_TOLERANCE for one in self.candidates]
        low = high = self.n_clusters
        while low > 1 and good[low - 2]:
            low -= 1
        while high < len(good) and good[high]:
            high += 1
        return low, high

    @property
    def reason(self) -> Reason:
        """The reason for this number, as a message for people."""
        return Reason.of(self.n_clusters, self.plateau, len(self.candidates))


def choose_n_clusters(
    data: Data,
    rng: np.random.Generator,
    *,
    floor: ArrayLike = 1.0,
    covariance_type: Covariance = Covariance.FULL,
    max_n_clusters: int = MAX_N_CLUSTERS,
    on_fraction: OnFraction = ignore_progress,
) -> ClusterCountChoice:
    """Choose the number of clusters with the largest ICL from 1 to `max_n_clusters`.

    Parameters
    ----------
    data : Data
        Pixels away from edges.
    rng : numpy.random.Generator
    floor : array_like, shape () or (D,)
        As in `em.maximise`. The default is one grey level: flat areas with less variance do not become clusters of their own.
    covariance_type : Covariance
    max_n_clusters : int
        At most the number of distinct values is tried.
    on_fraction : callable
        Called after every E-step with the fraction of the work that is done, up to 1.
    """
    n_values = len(np.unique(data.values, axis=0))
    mixture = kmeans_start(data, min(max(SURPLUS, max_n_clusters), n_values), rng, floor, covariance_type)
    n_steps, candidates, done = EM_STEPS, list[Candidate](), 0
    surplus = max(mixture.n_components - max_n_clusters, 0)
    total = (
        EM_STEPS + max(surplus - 1, 0) * MERGE_STEPS + min(mixture.n_components - 1, max_n_clusters) * CANDIDATE_STEPS
    )

    def on_step(_iteration: int, _log_likelihood: float) -> None:
        nonlocal done
        done += 1
        on_fraction(done / total)

    while True:
        mixture = iterate(
            data, mixture, tolerance=0.0, max_iterations=n_steps, floor=floor, on_progress=on_step
        ).mixture
        if mixture.n_components <= max_n_clusters:
            candidates.append(Candidate(mixture, criteria(mixture, data, EFFECTIVE_SAMPLE_SIZE)))
        if mixture.n_components == 1:
            break
        mixture = merge_cheapest(mixture)
        n_steps = CANDIDATE_STEPS if mixture.n_components <= max_n_clusters else MERGE_STEPS
    candidates.reverse()
    return ClusterCountChoice(max(candidates, key=lambda one: one.criteria.icl), tuple(candidates))


def interior_pixels(picture: FeatureSource, rng: np.random.Generator) -> Data:
    """Return a sample of a picture's pixels away from edges, or of all pixels if there are too few of those."""
    parts, valid = zip(*(picture.part(*window) for window in windows(*picture.shape, rng)), strict=True)
    stacked = np.stack(parts)
    values = stacked[interior_mask(stacked) & np.stack(valid)]
    if len(values) < MIN_INTERIOR_PIXELS:
        sample = picture.sample(INTERIOR_PIXELS, rng)
        return Data.of(sample.values, sample.counts, single_precision=True)
    values = values[sample_indices(len(values), INTERIOR_PIXELS, rng)]
    return Data.of(values, np.ones(len(values)), single_precision=True)


def candidate_maps(choice: ClusterCountChoice, picture: FeatureSource) -> NDArray[np.uint8]:
    """Return a small label map for each number of clusters, shape (n, h, w); 255 without data, components by luminance."""
    step = max(1, -(-max(picture.shape) // MAP_SIDE))
    values, valid = picture.part(slice(None, None, step), slice(None, None, step))
    maps = [one.mixture.ordered().predict(values) for one in choice.candidates]
    return np.where(valid, np.stack(maps), np.uint8(NO_DATA))
