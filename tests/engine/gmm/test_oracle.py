"""Against scikit-learn's GaussianMixture, an independent implementation."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from segmentation.engine.gmm import Mixture, Recipe, segment
from segmentation.engine.gmm.colours import count
from segmentation.engine.gmm.em import FLOOR, Data, fit
from segmentation.engine.gmm.squarem import climb
from segmentation.engine.gmm.starts import start


def begun(values, counts, n_components, seed=0):
    return start(Data.of(values, counts), n_components, np.random.default_rng(seed))


def theirs(values, mixture, *, max_iter, tol):
    model = GaussianMixture(
        mixture.n_components,
        weights_init=mixture.weights,
        means_init=mixture.means,
        precisions_init=np.linalg.inv(mixture.covariances),
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
    scale = np.abs(model.covariances_).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(mixture.covariances / scale, model.covariances_ / scale, atol=rtol, rtol=rtol)


@pytest.mark.parametrize("n_components", [1, 2, 5, 9])
def test_one_step_equals_that_of_scikit_learn(china, n_components):
    values = china.reshape(-1, 3)[::13]
    counts = np.ones(len(values))
    mixture = begun(values, counts, n_components)
    model = theirs(values, mixture, max_iter=1, tol=0)
    ours = fit(values, counts, mixture, max_iterations=1)
    assert_same(ours.mixture, model, rtol=1e-9)
    assert ours.log_likelihood == pytest.approx(model.lower_bound_, rel=1e-9)


def test_from_equal_starts_both_converge_to_the_same_parameters(china):
    values = china[::3, ::3].reshape(-1, 3)
    counts = np.ones(len(values))
    mixture = begun(values, counts, 5)
    model = theirs(values, mixture, max_iter=3000, tol=1e-9)
    ours = fit(values, counts, mixture, tolerance=1e-9, max_iterations=3000)
    assert model.converged_
    assert ours.converged
    assert_same(ours.mixture, model, rtol=1e-3)


def test_the_accelerated_fit_reaches_the_optimum_of_scikit_learn_from_the_same_start(china):
    colours = count(china.reshape(-1, 3), None)
    mixture = begun(colours.values(), colours.counts, 5)
    model = theirs(china.reshape(-1, 3), mixture, max_iter=1000, tol=1e-7)
    ours = climb(Data.of(colours.values(), colours.counts), mixture, tolerance=1e-7, max_evaluations=300)
    assert ours.converged
    assert ours.log_likelihood >= model.score(china.reshape(-1, 3).astype(np.float64)) - 1e-5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_photograph_is_fitted_as_well_as_by_scikit_learns_defaults(china, seed):
    pixels = china.reshape(-1, 3).astype(np.float64)
    theirs = GaussianMixture(5, random_state=0).fit(pixels).score(pixels)
    ours = segment(china, Recipe(n_clusters=5, seed=seed))
    assert ours.log_likelihood >= theirs - 0.01
    assert ours.converged


def test_the_reported_log_likelihood_is_that_of_all_pixels(china):
    result = segment(china, Recipe(n_clusters=5))
    pixels = china.reshape(-1, 3).astype(np.float64)
    assert result.log_likelihood == pytest.approx(result.mixture.to_sklearn().score(pixels), abs=1e-7)


def test_the_exported_model_agrees(china):
    mixture = segment(china, Recipe(n_clusters=7)).mixture
    values = china[::4, ::4].reshape(-1, 3).astype(np.float64)
    model = mixture.to_sklearn()
    np.testing.assert_array_equal(model.predict(values), mixture.predict(values))
    np.testing.assert_allclose(model.predict_proba(values), mixture.responsibilities(values), atol=1e-9)
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
