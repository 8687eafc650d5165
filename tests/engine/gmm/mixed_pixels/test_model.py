"""The density of mixed pixels and the M-step, against definitions and independent computations."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from segmentation.engine.gmm import Mixture, Recipe
from segmentation.engine.gmm.features.colour_spaces import INVERSES, TRANSFORMS
from segmentation.engine.gmm.fit.em import Data, iterate
from segmentation.engine.gmm.mixed_pixels.em import step
from segmentation.engine.gmm.mixed_pixels.lines import line_of, straight
from segmentation.engine.gmm.mixed_pixels.merging import dissolve, merge_cheapest
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.mixture.families import FAMILIES
from segmentation.engine.gmm.mixture.monomials import expand
from segmentation.engine.recipe import Covariance, Features


def grey_model(pair_weight=0.3, deviations=(6.0, 9.0), means=(60.0, 180.0)):
    """A model of one band with one pair; outliers are as good as impossible."""
    weights = np.array([0.4, 0.6]) * (1 - pair_weight - 1e-6)
    covariances = np.array(deviations).reshape(2, 1, 1) ** 2
    return MixedPixelMixture(
        weights,
        np.array(means).reshape(2, 1),
        covariances,
        straight,
        np.array([[1, 0]]),
        np.array([pair_weight]),
        outliers=1e-6,
    )


def log_density(model, values):
    joint = model.theta() @ expand(values)
    return np.logaddexp.reduce(joint, axis=0)


def test_the_density_of_mixed_pixels_is_the_integral_over_their_shares():
    model = grey_model(deviations=(15.0, 20.0))
    values = np.arange(20.0, 230.0, 10.0)[:, None]
    mixed = np.exp(log_density(model, values)) - sum(
        weight * norm(mean, deviation).pdf(values[:, 0])
        for weight, mean, deviation in zip(model.weights, model.means[:, 0], (15.0, 20.0), strict=True)
    )

    def density_at(share, value):
        deviation = np.sqrt(share * 400 + (1 - share) * 225)
        return norm(share * 180 + (1 - share) * 60, deviation).pdf(value)

    expected = [0.3 * quad(density_at, 0, 1, args=(value[0],))[0] for value in values]
    np.testing.assert_allclose(mixed, expected, rtol=0.1, atol=0.04 * np.max(expected))
    assert mixed.sum() == pytest.approx(np.sum(expected), rel=0.01)


def test_the_density_integrates_to_one():
    grid = np.arange(-100.0, 400.0, 0.05)[:, None]
    for model in (grey_model(), grey_model(deviations=(1.0, 2.0))):
        assert np.exp(log_density(model, grid)).sum() * 0.05 == pytest.approx(1.0, abs=1e-4)


def test_rows_have_the_moments_of_a_uniform_share():
    rows = grey_model(pair_weight=0.999999).rows()
    weights, means = rows.weights[2:] / rows.weights[2:].sum(), rows.means[2:, 0]
    assert weights @ means == pytest.approx(120.0)
    spread = weights @ (means - 120.0) ** 2
    within = rows.covariances[2:, 0, 0] - (rows.shares[2:] @ np.array([36.0, 81.0]))
    # Nodes leave out 1/16 of the variance of a uniform share; what is added to each row is twice that.
    np.testing.assert_allclose(within, 2 * 120**2 / 12 / 16)
    assert spread == pytest.approx(120**2 / 12 * (1 - 1 / 16))
    np.testing.assert_allclose(rows.shares.sum(axis=1), 1)


@pytest.mark.parametrize("features", ["lab", "od", "gray"])
def test_colour_spaces_are_inverted(features):
    rng = np.random.default_rng(0)
    bands = rng.uniform(1, 255, (1 if features == "gray" else 3, 500))
    space = Features(features)
    np.testing.assert_allclose(INVERSES[space](TRANSFORMS[space](bands).astype(np.float64)), bands, atol=0.02)


@pytest.mark.parametrize("features", ["lab", "od"])
def test_mixed_pixels_lie_on_the_converted_line(features):
    space = Features(features)
    bands = np.array([[200.0, 40.0, 60.0], [30.0, 90.0, 220.0]])
    pure = TRANSFORMS[space](bands.T).T.astype(np.float64)
    shares = np.array([0.125, 0.5, 0.9])
    values, slopes = line_of(Recipe(features=features))(pure[:1], pure[1:], shares)
    mixed = shares[:, None] * bands[0] + (1 - shares[:, None]) * bands[1]
    np.testing.assert_allclose(values[0], TRANSFORMS[space](mixed.T).T, atol=0.02)
    ahead = TRANSFORMS[space]((mixed + 1e-3 * (bands[0] - bands[1])).T.astype(np.float64)).T
    np.testing.assert_allclose(slopes[0], (ahead - values[0]) / 1e-3, rtol=0.05, atol=2.0)


def test_without_mixed_pixels_a_step_is_that_of_a_tied_mixture():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(70, 8, (300, 2)), rng.normal(170, 12, (500, 2))])
    data = Data.of(values, np.ones(len(values)))
    start = Mixture([0.5, 0.5], [[60.0, 60], [180, 180]], np.array([np.eye(2) * 100.0] * 2), Covariance.TIED)
    floor = np.zeros(2)
    model, levels = MixedPixelMixture.of(start, None), []
    for _ in range(8):
        level, model = step(model, data, floor, FAMILIES[Covariance.TIED])
        levels.append(level)
    expected = iterate(data, start, tolerance=0.0, max_iterations=8, floor=floor)
    np.testing.assert_allclose(levels, expected.history, atol=2e-3)  # outliers take a ten-thousandth
    np.testing.assert_allclose(model.means, expected.mixture.means, atol=0.05)
    assert (np.diff(levels) > -1e-6).all()


def test_true_parameters_are_a_fixed_point_of_the_step():
    """Pure rows are unbiased estimating equations: from the truth, a step on many pixels moves nothing."""
    rng = np.random.default_rng(1)
    n, model = 400_000, grey_model(pair_weight=0.3)
    kind = rng.choice(3, n, p=[0.28, 0.42, 0.3])
    shares = rng.random(n)
    means = np.choose(kind, [60.0, 180.0, 60 + 120 * shares])
    deviations = np.sqrt(np.choose(kind, [36.0, 81.0, 36 + 45 * shares]))
    data = Data.of(rng.normal(means, deviations)[:, None], np.ones(n))
    _, moved = step(model, data, np.zeros(1), FAMILIES[Covariance.FULL])
    np.testing.assert_allclose(moved.means[:, 0], [60, 180], atol=0.3)
    np.testing.assert_allclose(np.sqrt(moved.covariances[:, 0, 0]), [6, 9], rtol=0.03)
    assert moved.pair_weights[0] == pytest.approx(0.3, abs=0.01)


def test_the_mixed_family_shrinks_covariances_towards_the_pooled_one():
    weights, scatters = np.array([0.5, 0.1]), np.array([[[4.0]], [[100.0]]])
    found = FAMILIES[Covariance.MIXED].estimate(weights, scatters)
    pooled = (0.5 * 4 + 0.1 * 100) / 0.6
    np.testing.assert_allclose(found[:, 0, 0], [(2 + 0.1 * pooled) / 0.6, (10 + 0.1 * pooled) / 0.2])


def three_components():
    rng = np.random.default_rng(2)
    means = rng.uniform(50, 200, (3, 2))
    pairs = np.array([[1, 0], [2, 0], [2, 1]])
    covariances = np.array([np.diag(rng.uniform(20, 60, 2)) for _ in range(3)])
    return MixedPixelMixture(
        np.array([0.4, 0.2, 0.1]), means, covariances, straight, pairs, np.array([0.1, 0.15, 0.05]), outliers=1e-6
    )


def test_reordering_components_changes_no_density():
    model = three_components()
    values = np.random.default_rng(3).uniform(0, 255, (200, 2))
    np.testing.assert_allclose(
        log_density(model.subset(np.array([2, 0, 1])), values), log_density(model, values), atol=1e-9
    )


def test_the_label_mixture_has_the_moments_of_the_rows():
    model = three_components()
    rows, labels = model.rows(), model.label_mixture()
    np.testing.assert_allclose(labels.weights @ labels.means, rows.weights @ rows.means)
    total = np.einsum("r,rij->ij", rows.weights, rows.covariances + rows.means[:, :, None] * rows.means[:, None])
    again = np.einsum(
        "k,kij->ij", labels.weights, labels.covariances + labels.means[:, :, None] * labels.means[:, None]
    )
    np.testing.assert_allclose(again, total)
    assert labels.covariance_type is Covariance.TIED


def test_merging_and_dissolving_keep_weights_and_pairs():
    model = three_components()
    merged = merge_cheapest(model)
    assert merged.n_components == 2
    assert merged.weights.sum() + merged.pair_weights.sum() + merged.outliers == pytest.approx(1)
    assert merged.pairs.tolist() == [[1, 0]]
    values = np.random.default_rng(4).uniform(0, 255, (50_000, 2))
    assert np.exp(log_density(merged, values)).mean() * 255**2 == pytest.approx(1, abs=0.1)
    left = dissolve(model, 2)
    np.testing.assert_allclose(left.means, model.means[:2])
    assert left.pairs.tolist() == [[1, 0]]


def test_labels_follow_the_larger_share():
    mixture = grey_model().label_mixture()
    assert mixture.predict(np.array([[60.0], [100.0], [140.0], [180.0]])).tolist() == [0, 0, 1, 1]
