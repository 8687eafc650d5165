"""How many clusters: a mixture of many components, merged down one by one, and the evidence for each number on the way.

Two obstacles, neither of them the number of pixels. Pixels along borders mix two materials and look like further
clusters: only pixels away from edges are asked (`edges`). And neighbouring pixels tell nearly the same: the criterion
counts a picture as 2,000 independent observations. With both, ICL finds the true number on phantoms; on all pixels BIC and
ICL go on splitting clusters for ever.
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
"""Largest number of clusters that is weighed."""

INTERIOR_PIXELS = 8000
"""Pixels away from edges that are asked."""

MIN_INTERIOR_PIXELS = 200
"""If fewer are away from edges, edges are not left out."""

MAP_SIDE = 96
"""Pixels of the longer side of the small label maps, at most."""

SURPLUS = 20  # components to begin with
EM_STEPS = 10  # with the surplus
MERGE_STEPS, CANDIDATE_STEPS = 1, 3  # after a merger, while there are too many clusters to be weighed, and then

EFFECTIVE_SAMPLE_SIZE = 2000.0
"""Independent observations that a picture is worth. On 200 phantoms of 2 to 6 phases 1,000 find 176 true numbers, 1,500
find 196, 2,000 find 198; more would find all, but cut photographs into ever more pieces."""

ICL_TOLERANCE = 10.0
"""Nats of ICL within which numbers are called nearly as good: odds of more than 20,000 to 1, were the model true. Pictures
are no mixtures of Gaussians, so that smaller leads mean little."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What speaks for one number of clusters."""

    mixture: Mixture
    criteria: Criteria

    @property
    def n_clusters(self) -> int:
        return self.mixture.n_components


@dataclass(frozen=True, slots=True, eq=False)
class ClusterCountChoice:
    """The number of clusters that the evidence speaks for."""

    best: Candidate
    candidates: tuple[Candidate, ...]  # of 1, 2, ... clusters

    @property
    def n_clusters(self) -> int:
        return self.best.n_clusters

    @property
    def plateau(self) -> tuple[int, int]:
        """The smallest and the largest number that are nearly as good, with all between them."""
        good = [one.criteria.icl >= self.best.criteria.icl - ICL_TOLERANCE for one in self.candidates]
        low = high = self.n_clusters
        while low > 1 and good[low - 2]:
            low -= 1
        while high < len(good) and good[high]:
            high += 1
        return low, high

    @property
    def reason(self) -> Reason:
        """Why this number was chosen, as a code with values."""
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
    """Weigh 1 to `max_n_clusters` clusters.

    Parameters
    ----------
    data : Data
        Pixels away from edges.
    rng : numpy.random.Generator
    floor : array_like, shape () or (D,)
        As in `em.maximise`. One grey level: what is narrower is a flat area, not a cluster of its own.
    covariance_type : Covariance
    most : int
        Cut to the number of distinct values.
    on_fraction : callable
        Told after every evaluation how much is done, up to 1.
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
    """Pixels of a picture away from its edges, or any, where there are too few of these."""
    parts, valid = zip(*(picture.part(*window) for window in windows(*picture.shape, rng)), strict=True)
    seen = np.stack(parts)
    values = seen[interior_mask(seen) & np.stack(valid)]
    if len(values) < MIN_INTERIOR_PIXELS:
        sample = picture.sample(INTERIOR_PIXELS, rng)
        return Data.of(sample.values, sample.counts, single_precision=True)
    values = values[sample_indices(len(values), INTERIOR_PIXELS, rng)]
    return Data.of(values, np.ones(len(values)), single_precision=True)


def candidate_maps(choice: ClusterCountChoice, picture: FeatureSource) -> NDArray[np.uint8]:
    """A small label map for each number of clusters (n, h, w), 255 without data; components by luminance."""
    step = max(1, -(-max(picture.shape) // MAP_SIDE))
    values, valid = picture.part(slice(None, None, step), slice(None, None, step))
    maps = [one.mixture.ordered().predict(values) for one in choice.candidates]
    return np.where(valid, np.stack(maps), np.uint8(NO_DATA))
