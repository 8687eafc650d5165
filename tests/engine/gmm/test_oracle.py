"""Against scikit-learn's GaussianMixture, an independent implementation."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from segmentation.engine.gmm import Mixture, Recipe, segment
from segmentation.engine.gmm.fit.em import FLOOR, Data, fit
from segmentation.engine.gmm.fit.quasi_newton import quasi_newton_em
from segmentation.engine.gmm.fit.starts import kmeans_start
from segmentation.engine.gmm.mixture.families import FAMILIES as FAMILY_OF
from segmentation.engine.recipe import Covariance

FAMILIES = ["full", "tied", "diag", "spherical"]


def start_of(values, counts, n_components, seed=0, family="full"):
    return kmeans_start(
        Data.of(values, counts), n_components, np.random.default_rng(seed), covariance_type=Covariance(family)
    )


def theirs(values, mixture, *, max_iter, tol):
    compact = FAMILY_OF[mixture.covariance_type].compact
    model = GaussianMixture(
        mixture.n_components,
        covariance_type=mixture.covariance_type.value,
        weights_init=mixture.weights,
        means_init=mixture.means,
        precisions_init=compact(np.linalg.inv(mixture.covariances)),
        reg_covar=FLOOR,
        max_iter=max_iter,
        tol=tol,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of the single step, which is meant to be one
        return model.fit(values.astype(np.float64))


def assert_same(mixture, model, rtol):
    np.testing.assert_allclose(mixture.weights, model.weights_, rtol=rtol)
    np.testing.assert_allclose(mixture.means, model.means_, rtol=rtol)
    ours = FAMILY_OF[mixture.covariance_type].compact(mixture.covariances)
    scale = np.abs(model.covariances_).max()
    np.testing.assert_allclose(ours / scale, model.covariances_ / scale, atol=rtol, rtol=rtol)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n_components", [1, 2, 5, 9])
def test_one_step_equals_that_of_scikit_learn(china, n_components, family):
    values = china.reshape(-1, 3)[::13]
    counts = np.ones(len(values))
    mixture = start_of(values, counts, n_components, family=family)
    model = theirs(values, mixture, max_iter=1, tol=0)
    ours = fit(values, counts, mixture, max_iterations=1)
    assert_same(ours.mixture, model, rtol=1e-9)
    assert ours.log_likelihood == pytest.approx(model.lower_bound_, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_from_equal_starts_both_converge_to_the_same_parameters(china, family):
    values = china[::4, ::4].reshape(-1, 3)
    counts = np.ones(len(values))
    mixture = start_of(values, counts, 4, family=family)
    model = theirs(values, mixture, max_iter=3000, tol=1e-9)
    ours = fit(values, counts, mixture, tolerance=1e-9, max_iterations=3000)
    assert model.converged_
    assert ours.converged
    assert_same(ours.mixture, model, rtol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_accelerated_fit_reaches_the_optimum_of_scikit_learn_from_the_same_start(china, family):
    values = china[::3, ::3].reshape(-1, 3)
    counts = np.ones(len(values))
    mixture = start_of(values, counts, 5, family=family)
    model = theirs(values, mixture, max_iter=1000, tol=1e-7)
    ours = quasi_newton_em(Data.of(values, counts), mixture, tolerance=1e-7, max_evaluations=300)
    assert ours.converged
    assert ours.log_likelihood >= model.score(values.astype(np.float64)) - 1e-5
    assert (np.diff(ours.history) >= 0).all()
    family_of = FAMILY_OF[ours.mixture.covariance_type]
    again = family_of.estimate(ours.mixture.weights, ours.mixture.covariances)
    np.testing.assert_allclose(again, ours.mixture.covariances, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_whole_pictures_are_segmented_in_every_family(china, family):
    result = segment(china[::2, ::2], Recipe(n_clusters=4, covariance=family))
    values = china[::2, ::2].reshape(-1, 3).astype(np.float64)
    model = result.mixture.to_sklearn()
    assert model.covariance_type == result.mixture.covariance_type == family
    np.testing.assert_array_equal(model.predict(values), result.labels.ravel())
    np.testing.assert_allclose(model.score_samples(values), result.mixture.log_density(values), rtol=1e-9)
    np.testing.assert_allclose(result.mixture.n_parameters, model._n_parameters())
    assert Mixture.from_json(result.mixture.to_json()).covariance_type == family


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_photograph_is_fitted_as_well_as_by_scikit_learns_defaults(china, seed):
    pixels = china.reshape(-1, 3).astype(np.float64)
    theirs = GaussianMixture(5, random_state=0).fit(pixels).score(pixels)
    ours = segment(china, Recipe(n_clusters=5, seed=seed))
    assert ours.log_likelihood >= theirs - 0.01
    assert ours.converged


def test_the_reported_log_likelihood_is_that_of_all_pixels_to_within_its_standard_error(china):
    pixels = china.reshape(-1, 3).astype(np.float64)
    sampled, exact = (segment(china, Recipe(n_clusters=5, exact=exact)) for exact in (False, True))
    assert sampled.fitted_pixels == 2**17
    assert sampled.log_likelihood_error == pytest.approx(0.004, rel=0.5)
    assert abs(sampled.log_likelihood - sampled.mixture.log_density(pixels).mean()) < 3 * sampled.log_likelihood_error
    assert exact.log_likelihood == pytest.approx(exact.mixture.to_sklearn().score(pixels), abs=1e-6)
    assert exact.log_likelihood_error == 0
    assert exact.log_likelihood >= sampled.mixture.log_density(pixels).mean()


def test_the_exported_model_agrees(china):
    mixture = segment(china, Recipe(n_clusters=7)).mixture
    values = china[::4, ::4].reshape(-1, 3).astype(np.float64)
    model = mixture.to_sklearn()
    np.testing.assert_array_equal(model.predict(values), mixture.predict(values))
    np.testing.assert_allclose(model.predict_proba(values), mixture.posterior(values), atol=1e-9)
    np.testing.assert_allclose(model.score_samples(values), mixture.log_density(values), atol=1e-9)
    np.testing.assert_allclose(model.precisions_ @ model.covariances_, np.broadcast_to(np.eye(3), (7, 3, 3)), atol=1e-9)


def test_a_mixture_of_other_dimensions_agrees_too():
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(4, 2, 2)) * 9
    mixture = Mixture(
        [0.1, 0.2, 0.3, 0.4], rng.uniform(0, 255, (4, 2)), factors @ factors.transpose(0, 2, 1) + np.eye(2)
    )
    values = rng.uniform(0, 255, (500, 2))
    np.testing.assert_allclose(mixture.to_sklearn().score_samples(values), mixture.log_density(values), rtol=1e-9)
