"""Fit a mixture with mixed pixels, beginning at a tied mixture of the same picture.

The model has three forms: pure pixels only, with one covariance; with mixed pixels, too; and with a covariance for each component
besides, shrunk towards the common one. All are fitted on a small sample, and BIC (Schwarz, 1978) decides between them: where a
picture does not support mixed pixels, the plain tied mixture remains.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from segmentation.engine.gmm.fit.em import Data, evaluate
from segmentation.engine.gmm.fit.fitting import em_data
from segmentation.engine.gmm.fit.quasi_newton import quasi_newton_em
from segmentation.engine.gmm.mixed_pixels.em import step
from segmentation.engine.gmm.mixed_pixels.lines import Line
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.mixture.families import FAMILIES, Family
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Indices
from segmentation.engine.gmm.pixels.sample import Sample
from segmentation.engine.progress import OnFraction, ignore_progress
from segmentation.engine.recipe import Covariance

FEW, SOME = 3 * 2**10, 2**14
"""Pixels for most steps, and for the last ones."""

OBSERVATIONS = 2000.0
"""Number of independent observations in a picture, n in BIC."""

_TIED, _MIXED = FAMILIES[Covariance.TIED], FAMILIES[Covariance.MIXED]
_FIRST_SHARE = 0.1  # of mixed pixels before the first step
_PAIRS_PER_COMPONENT = 2
_FIRST_STEPS, _TIED_STEPS = 4, 6  # with all pairs, and with the strongest
_SETTLING = 3  # steps of the shrunken form before pairs are dropped again
_MAX_STEPS, _TOLERANCE = 20, 3e-4
_LEAST_PAIR, _LEAST_PAIR_LATER = 0.004, 0.002
_LAST_STEPS = 1
_EXACT_STEPS, _EXACT_TOLERANCE = 40, 1e-6
_FEW_VALUES = 2**10  # distinct values of a sample over which steps cost little, as those of a grey picture of 8 bits
_GAIN_PIXELS = 2**10
_GAIN_STEPS = (_TIED,) * 3 + (_MIXED,) * 4
_MIN_PURE_PIXELS = 20.0  # of a component; with fewer, nothing is known of its mixed pixels
_FULL_STEPS = 10  # of the mixture with which photographs are recognised


@dataclass(frozen=True, slots=True, eq=False)
class MixedPixelFit:
    """A fitted model, with the tied mixture that it began with."""

    model: MixedPixelMixture
    plain: Mixture  # tied, without mixed pixels
    gain: (
        float  # mean log-likelihood minus that of a mixture whose components have their own covariances, nats per pixel
    )

    def subset(self, numbers: Indices) -> Self:
        """Return the fit with its components in another order."""
        return type(self)(self.model.subset(numbers), self.plain.subset(numbers), self.gain)


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """One form of the model, fitted to the small sample."""

    model: MixedPixelMixture
    family: Family
    log_likelihood: float  # mean nats per pixel
    extra_parameters: float  # more than the plain form has

    @property
    def bic(self) -> float:
        """The logarithm of the evidence, up to a constant, in nats."""
        return OBSERVATIONS * self.log_likelihood - self.extra_parameters / 2 * float(np.log(OBSERVATIONS))


def fit_mixed_pixels(
    plain: Mixture,
    sample: Sample,
    rng: np.random.Generator,
    *,
    line: Line | None,
    floor: Float,
    flat: Mixture | None = None,
    max_iterations: int = _MAX_STEPS,
    exact: bool = False,
    on_fraction: OnFraction = ignore_progress,
) -> MixedPixelFit:
    """Fit a mixture with mixed pixels.

    Parameters
    ----------
    plain : Mixture
        Tied, fitted to the sample.
    sample : Sample
    rng : numpy.random.Generator
    line : callable or None
        How pixels mix in these features; None for none.
    floor : ndarray, shape (D,)
        Added to each variance, in squared units of the features.
    flat : Mixture or None
        Tied, with as many components, fitted to pixels where the picture is flat: a second start, for pictures whose borders
        look like a further component.
    max_iterations : int
        Steps of EM after the first ones, at most.
    exact : bool
        Whether the last steps go over the whole sample; over a sample of few distinct values they always do.
    on_fraction : callable
        Called after each part of the work with the fraction that is done, up to 1.
    """
    some = sample.subsample(SOME, rng)
    few = em_data(some.subsample(FEW, rng))
    start = MixedPixelMixture.of(plain, line)
    forms = [_plain_form(start, few, floor)]
    if start.n_components > 1 and line is not None:
        starts = [start] if flat is None else [start, MixedPixelMixture.of(_in_order_of(plain, flat), line)]
        tied = max((_tied_form(one, few, floor) for one in starts), key=lambda form: form.bic)
        forms += [tied, _shrunken_form(tied.model, few, floor, min(max_iterations, _MAX_STEPS))]
    on_fraction(0.7)
    best = max(forms, key=lambda form: form.bic)
    model = _without_guesses(best.model, float(sample.counts.sum()))
    for _ in range(_LAST_STEPS):
        _, model = step(model, em_data(some), floor, best.family)
    if exact or len(sample.counts) <= _FEW_VALUES:
        model = _settled(model, em_data(sample), floor, best.family)
    on_fraction(0.9)
    gain = best.log_likelihood - _full_level(plain, few, floor, min(max_iterations, _FULL_STEPS))
    on_fraction(1.0)
    return MixedPixelFit(model.rounded(), plain, gain)


def gain_of_mixed_pixels(mixture: Mixture, sample: Sample, rng: np.random.Generator, line: Line, floor: Float) -> float:
    """Return an estimate of the gain of `MixedPixelFit` for a fitted mixture with covariances of its own, in a few steps.

    Parameters
    ----------
    mixture : Mixture
        Of the family `full`, fitted to the sample.
    sample, rng, line, floor
        As in `fit_mixed_pixels`.
    """
    data = em_data(sample.subsample(_GAIN_PIXELS, rng))
    tied = FAMILIES[Covariance.TIED].estimate(mixture.weights, mixture.covariances)
    model = MixedPixelMixture.of(Mixture(mixture.weights, mixture.means, tied, Covariance.TIED), line)
    model, level = model.with_all_pairs(_FIRST_SHARE), 0.0
    for family in _GAIN_STEPS:
        level, model = step(model, data, floor, family)
    return level - evaluate(mixture.theta(), data).log_likelihood


def _in_order_of(reference: Mixture, mixture: Mixture) -> Mixture:
    """Return a mixture with its components in the order of those of `reference` whose means are nearest, one to one."""
    distances = ((reference.means[:, None] - mixture.means) ** 2).sum(axis=2)
    return mixture.subset(linear_sum_assignment(distances)[1])


def _plain_form(model: MixedPixelMixture, data: Data, floor: Float) -> _Form:
    level = 0.0
    for _ in range(2):
        level, model = step(model, data, floor, _TIED)
    return _Form(model, _TIED, level, 0)


def _tied_form(start: MixedPixelMixture, data: Data, floor: Float) -> _Form:
    """Return the form with mixed pixels and one covariance for all."""
    model, level = start.with_all_pairs(_FIRST_SHARE), 0.0
    for _ in range(_FIRST_STEPS):
        _, model = step(model, data, floor, _TIED)
    model = model.with_strongest_pairs(_PAIRS_PER_COMPONENT * model.n_components, _LEAST_PAIR)
    for _ in range(_TIED_STEPS):
        level, model = step(model, data, floor, _TIED)
    return _Form(model, _TIED, level, model.n_pairs)


def _shrunken_form(model: MixedPixelMixture, data: Data, floor: Float, max_steps: int) -> _Form:
    """Return the form in which each component has its own covariance, shrunk towards the common one."""
    K, D = model.means.shape
    before, after = -np.inf, 0.0
    for number in range(max_steps):
        after, model = step(model, data, floor, _MIXED)
        if number == _SETTLING:
            model = model.with_strongest_pairs(_PAIRS_PER_COMPONENT * K, _LEAST_PAIR_LATER)
        if number > _SETTLING and after - before < _TOLERANCE:
            break
        before = after
    return _Form(model, _MIXED, after, model.n_pairs + (K - 1) * D * (D + 1) / 2)


def _without_guesses(model: MixedPixelMixture, pixels: float) -> MixedPixelMixture:
    """Return the model without the mixed pixels of components that have hardly any pure pixel."""
    known = model.weights * pixels >= _MIN_PURE_PIXELS
    kept = known[model.pairs].all(axis=1)
    return replace(model, pairs=model.pairs[kept], pair_weights=model.pair_weights[kept])


def _settled(model: MixedPixelMixture, data: Data, floor: Float, family: Family) -> MixedPixelMixture:
    """Return the model after steps on all pixels, until they change the log-likelihood by very little."""
    before = -np.inf
    for _ in range(_EXACT_STEPS):
        after, model = step(model, data, floor, family)
        if abs(after - before) < _EXACT_TOLERANCE:
            break
        before = after
    return model


def _full_level(plain: Mixture, data: Data, floor: Float, max_steps: int) -> float:
    """Return the mean log-likelihood of a mixture whose components have covariances of their own."""
    start = Mixture(plain.weights, plain.means, plain.covariances, Covariance.FULL)
    return quasi_newton_em(data, start, tolerance=1e-3, max_evaluations=max_steps, floor=floor).log_likelihood
