"""Choose the number of clusters by the integrated completed likelihood (ICL; Biernacki, Celeux and Govaert, 2000).

A mixture of many components is merged down pair by pair, with EM steps in between, and ICL is computed for each number of
clusters. Two corrections are needed. Pixels on borders mix two materials and look like further clusters, so mixed pixels are
in the model all the way (`mixed_pixels`), and the steepness of the picture at a pixel tells them from pure ones
(`steepness`). All pixels take part: to leave borders out would lose whatever is only a few pixels wide. Neighbouring pixels are
not independent, so a picture counts as 2,000 observations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.fit.starts import kmeans_start
from segmentation.engine.gmm.mixed_pixels.em import Classes, step
from segmentation.engine.gmm.mixed_pixels.lines import Line
from segmentation.engine.gmm.mixed_pixels.merging import dissolve, merge_cheapest
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.mixture.families import Mixed
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.pixels.sample import NO_DATA
from segmentation.engine.gmm.pixels.sampling import sample_indices, windows
from segmentation.engine.gmm.pixels.sources import FeatureSource
from segmentation.engine.gmm.selection.criteria import Criteria, criteria
from segmentation.engine.gmm.selection.reasons import Reason
from segmentation.engine.gmm.selection.steepness import steepness_classes
from segmentation.engine.progress import OnFraction, ignore_progress
from segmentation.engine.recipe import Covariance

MAX_N_CLUSTERS = 10
"""Largest number of clusters that is tried."""

PIXELS = 3000
"""Pixels that the number is chosen from."""

MAP_SIDE = 96
"""Longest side of the small label maps, in pixels."""

SURPLUS = 12  # components before the first merger
EM_STEPS = 6  # EM steps before mixed pixels are added
DISCOVERY_STEPS = 1  # EM steps with mixed pixels of all pairs, after each merger
MERGE_STEPS, CANDIDATE_STEPS = 1, 3  # EM steps after these: above `MAX_N_CLUSTERS` components, and from there on

EFFECTIVE_SAMPLE_SIZE = 2000.0
"""Number of independent observations in a picture, n in the criteria; 1,500 to 4,000 find the true number equally often."""

ICL_TOLERANCE = 10.0
"""Difference of ICL, in nats, within which numbers of clusters are called nearly as good. Under the model this difference means
odds of more than 20,000 to 1; but pictures are not exactly mixtures of Gaussians, so smaller differences are not significant."""

_FAMILY = Mixed(0.02)
_FIRST_SHARE = 0.05  # of mixed pixels before the first step
_PAIRS_PER_COMPONENT, _LEAST_PAIR = 3, 0.001
_FLAT = 1  # highest steepness class of pixels that count as flat
_LEAST_WEIGHT = 1e-3  # of pure pixels; a component with less is dissolved


@dataclass(frozen=True, slots=True, eq=False)
class PixelSample:
    """Pixels of a picture for the choice, each with its steepness class."""

    data: Data
    classes: Classes  # (n,)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One number of clusters that was tried, with its mixture and criteria."""

    mixture: Mixture  # that labels pixels
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
    sample: PixelSample,
    rng: np.random.Generator,
    *,
    line: Line | None,
    floor: Float,
    max_n_clusters: int = MAX_N_CLUSTERS,
    on_fraction: OnFraction = ignore_progress,
) -> ClusterCountChoice:
    """Choose the number of clusters with the largest ICL from 1 to `max_n_clusters`.

    Parameters
    ----------
    sample : PixelSample
    rng : numpy.random.Generator
    line : callable or None
        How pixels mix in these features; None for none.
    floor : ndarray, shape (D,)
        Added to each variance: flat areas with less variance do not become clusters of their own.
    max_n_clusters : int
        At most the number of distinct values is tried.
    on_fraction : callable
        Called after each number of components with the fraction of the work that is done, up to 1.
    """
    data, classes = sample.data, sample.classes
    n_values = len(np.unique(data.values, axis=0))
    surplus = min(max(SURPLUS, max_n_clusters), n_values)
    model = MixedPixelMixture.of(kmeans_start(data, surplus, rng, floor, Covariance.TIED), line)
    for _ in range(EM_STEPS):
        _, model = step(model, data, floor, _FAMILY)
    model, candidates = model.with_all_pairs(_FIRST_SHARE), list[Candidate]()
    while True:
        is_candidate = model.n_components <= max_n_clusters
        model = _fitted(model, sample, floor, CANDIDATE_STEPS if is_candidate else MERGE_STEPS)
        if is_candidate:
            found = criteria(model, data, EFFECTIVE_SAMPLE_SIZE, classes)
            candidates.append(Candidate(model.label_mixture(), found))
        on_fraction(1 - (model.n_components - 1) / surplus)
        if model.n_components == 1:
            break
        weakest = int(model.weights.argmin())
        is_lost = model.weights[weakest] < _LEAST_WEIGHT and model.n_components > 2
        model = dissolve(model, weakest) if is_lost else merge_cheapest(model)
    candidates.reverse()
    return ClusterCountChoice(max(candidates, key=lambda one: one.criteria.icl), tuple(candidates))


def _fitted(model: MixedPixelMixture, sample: PixelSample, floor: Float, n_steps: int) -> MixedPixelMixture:
    """Return the model after EM steps with all pairs, and then with the strongest."""
    for _ in range(DISCOVERY_STEPS):
        _, model = step(model, sample.data, floor, _FAMILY, sample.classes)
    model = model.with_strongest_pairs(_PAIRS_PER_COMPONENT * model.n_components, _LEAST_PAIR)
    for _ in range(n_steps):
        _, model = step(model, sample.data, floor, _FAMILY, sample.classes)
    return model


def flat_pixels(picture: FeatureSource, rng: np.random.Generator) -> Data:
    """Return a sample of a picture's pixels where it is flat: nearly all of them are pure."""
    sample = pixel_sample(picture, rng, grid=4)
    flat = sample.classes <= _FLAT
    return Data.of(sample.data.values[flat], sample.data.counts[flat], single_precision=True)


def pixel_sample(picture: FeatureSource, rng: np.random.Generator, grid: int = 7) -> PixelSample:
    """Return a sample of a picture's valid pixels with their steepness classes, from windows of which there are grid x grid."""
    parts, masks = zip(*(picture.part(*window) for window in windows(*picture.shape, rng, grid)), strict=True)
    stacked, valid = np.stack(parts), np.stack(masks)
    if not valid.any():  # all windows of a large picture lie where there is no data
        found = picture.sample(PIXELS, rng)
        return PixelSample(
            Data.of(found.values, found.counts, single_precision=True), np.zeros(len(found.counts), np.intp)
        )
    chosen = np.flatnonzero(valid)[sample_indices(int(valid.sum()), PIXELS, rng)]
    values = stacked.reshape(-1, stacked.shape[-1])[chosen]
    classes = steepness_classes(stacked, valid).reshape(-1)[chosen]
    return PixelSample(Data.of(values, np.ones(len(values)), single_precision=True), classes)


def candidate_maps(choice: ClusterCountChoice, picture: FeatureSource) -> NDArray[np.uint8]:
    """Return a small label map for each number of clusters, shape (n, h, w); 255 without data, components by luminance."""
    step = max(1, -(-max(picture.shape) // MAP_SIDE))
    values, valid = picture.part(slice(None, None, step), slice(None, None, step))
    maps = [one.mixture.ordered().predict(values) for one in choice.candidates]
    return np.where(valid, np.stack(maps), np.uint8(NO_DATA))
