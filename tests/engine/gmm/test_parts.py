"""The kernels of the preset Colours, each compared with its formula or an independent implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.fit.em import FLOOR, Data, maximise
from segmentation.engine.gmm.fit.merging import merge_cheapest
from segmentation.engine.gmm.fit.parameters import LocalCoordinates, pack, unpack
from segmentation.engine.gmm.fit.quasi_newton import LimitedMemoryBFGS
from segmentation.engine.gmm.fit.starts import best_start, kmeans_plus_plus, lloyd
from segmentation.engine.gmm.labels.labelling import DIRECT_PIXELS, label_colours, label_values
from segmentation.engine.gmm.labels.table import LabelTable
from segmentation.engine.gmm.mixture.densities import (
    exact_parameters,
    invert_lower,
    most_probable,
    natural_parameters,
    posterior,
    taylor,
)
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, expand, monomials
from segmentation.engine.gmm.pixels.distinct_colours import codes_at, count_colours, decode, encode
from segmentation.engine.gmm.pixels.sampling import sample_indices, sample_valid_indices, thin


def some_mixture(n_components, seed=0):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_components, 3, 3)) * 12
    covariances = factors @ factors.transpose(0, 2, 1) + np.eye(3)
    return Mixture(rng.dirichlet(np.ones(n_components)), rng.uniform(0, 255, (n_components, 3)), covariances)


def moments(mixture):
    """Mean and covariance of the whole mixture."""
    mean = mixture.weights @ mixture.means
    gaps = mixture.means - mean
    spread = mixture.covariances + gaps[:, :, None] * gaps[:, None, :]
    return mean, np.einsum("k,kij->ij", mixture.weights, spread)


@pytest.mark.parametrize("n", [1, 2, 65_536, 65_537, 65_538, 200_000])
def test_colours_are_counted_as_numpy_counts_them(n):
    rng = np.random.default_rng(n)
    pixels = rng.integers(0, 256, (n, 3), dtype=np.uint8) & np.uint8(0b11110000)
    valid = rng.random(n) < 0.5
    valid[0] = True
    for mask in (None, valid):
        chosen = pixels if mask is None else pixels[mask]
        codes, counts = np.unique(chosen.astype(np.uint32) @ np.array([1, 256, 65536], np.uint32), return_counts=True)
        colours = count_colours(pixels, mask)
        np.testing.assert_array_equal(colours.codes, codes)
        np.testing.assert_array_equal(colours.counts, counts)
        np.testing.assert_array_equal(colours.values() @ np.array([1, 256, 65536]), codes)


def test_a_sample_holds_each_colour_as_often_as_its_share_to_within_one():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 2000, 5000).astype(np.uint32)
    kept, times = thin(counts, 4000, np.random.default_rng(1))
    assert times.sum() == 4000
    drawn = np.zeros(5000)
    drawn[kept] = times
    assert (np.abs(drawn - counts * 4000 / counts.sum()) < 2).all()
    assert np.abs(np.cumsum(drawn) - np.cumsum(counts) * 4000 / counts.sum()).max() < 1.0001


def test_no_more_values_than_the_sample_are_all_kept():
    kept, times = thin(np.full(50, 10**6), 50, np.random.default_rng(0))
    assert kept.tolist() == list(range(50))
    assert (times == 10**6).all()


@pytest.mark.parametrize(("n_pixels", "n"), [(1, 1), (10, 3), (1000, 999), (5, 9), (10**8, 2**17)])
def test_a_sample_has_one_index_in_each_stratum(n_pixels, n):
    drawn = sample_indices(n_pixels, n, np.random.default_rng(0))
    assert len(drawn) == min(n, n_pixels)
    stretch = np.arange(len(drawn)) * n_pixels
    assert (drawn * len(drawn) >= stretch - len(drawn)).all()
    assert (drawn * len(drawn) < stretch + n_pixels).all()
    assert (np.diff(drawn) >= 0).all()
    assert drawn[-1] < n_pixels


def test_every_pixel_is_drawn_equally_often():
    drawn = np.concatenate([sample_indices(10, 4, np.random.default_rng(seed)) for seed in range(5000)])
    np.testing.assert_allclose(np.bincount(drawn, minlength=10) / 5000, 0.4, atol=0.04)


def test_masked_pixels_are_never_drawn():
    rng = np.random.default_rng(0)
    valid = rng.random(300_000) < 0.3
    drawn = sample_valid_indices(valid, len(valid), 5000, np.random.default_rng(1))
    np.testing.assert_array_equal(
        drawn, np.flatnonzero(valid)[sample_indices(valid.sum(), 5000, np.random.default_rng(1))]
    )
    assert sample_valid_indices(valid, len(valid), 10**6, rng).tolist() == np.flatnonzero(valid).tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 200])
def test_codes_are_read_at_any_indices(n):
    rng = np.random.default_rng(n)
    pixels = rng.integers(0, 256, (n, 3), dtype=np.uint8)
    chosen = np.flatnonzero(rng.random(n) < 0.7)
    np.testing.assert_array_equal(codes_at(pixels, chosen), encode(pixels[chosen]))
    np.testing.assert_array_equal(decode(encode(pixels)), pixels)


@given(seed=st.integers(0, 10**6), n_components=st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_the_label_table_agrees_with_the_mixture_on_every_colour_that_it_was_filled_with(seed, n_components):
    rng = np.random.default_rng(seed)
    mixture = some_mixture(n_components, seed)
    table = LabelTable(exact_parameters(mixture.theta()))
    for _ in range(2):
        pixels = np.clip(rng.normal(rng.uniform(0, 255, 3), 30, (500, 3)), 0, 255).astype(np.uint8)
        table.fill(encode(pixels))
        np.testing.assert_array_equal(table.entries[encode(pixels)], mixture.predict(pixels))
    known = rng.choice(np.flatnonzero(table.entries != 255), 2000)
    np.testing.assert_array_equal(table.entries[known], mixture.predict(decode(known)))


def test_a_quadratic_about_another_origin_is_the_same_function():
    theta = exact_parameters(some_mixture(4).theta())
    rng = np.random.default_rng(0)
    x, d = (rng.integers(-128, 128, (3, 6)) / 64 for _ in range(2))
    moved = np.einsum("kfm,fm->km", taylor(theta, x), monomials(d))
    np.testing.assert_allclose(moved, theta @ monomials(x + d), rtol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
def test_large_pictures_get_the_same_labels_as_small_ones(masked):
    rng = np.random.default_rng(0)
    pixels = rng.normal(120, 30, (DIRECT_PIXELS + 5, 3)).clip(0, 255).astype(np.uint8)
    valid = rng.random(len(pixels)) < 0.6 if masked else None
    mixture = some_mixture(5)
    here = label_colours(pixels, valid, mixture, encode(pixels[:5]))
    there = label_values(pixels, valid, mixture)
    np.testing.assert_array_equal(here.labels, there.labels)
    np.testing.assert_array_equal(here.areas, there.areas)
    counted = here.labels if valid is None else here.labels[valid]
    np.testing.assert_array_equal(here.areas, np.bincount(counted, minlength=5))


def test_expand_returns_the_monomials_up_to_degree_two():
    np.testing.assert_array_equal(
        expand(np.array([[0, 64, 192]], np.uint8)).ravel(), [1, -2, -1, 1, 4, 2, -2, 1, -1, 1]
    )


@given(seed=st.integers(0, 10**6), n_components=st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_rounded_parameters_give_the_same_sums_in_any_order(seed, n_components):
    theta = exact_parameters(some_mixture(n_components, seed).theta())
    phi = expand(np.random.default_rng(seed).integers(0, 256, (200, 3), dtype=np.uint8))
    terms = theta[:, :, None] * phi[None]
    order = np.random.default_rng(seed).permutation(phi.shape[0])
    forwards, shuffled = np.zeros((n_components, 200)), np.zeros((n_components, 200))
    for here, there in zip(range(phi.shape[0]), order, strict=True):
        forwards += terms[:, here]
        shuffled += terms[:, there]
    np.testing.assert_array_equal(forwards, shuffled)
    np.testing.assert_array_equal(forwards, theta @ phi)


def test_of_equally_probable_components_the_first_is_taken():
    assert most_probable(np.array([[1.0, 0.0, 3.0], [1.0, 2.0, 3.0], [0.0, 2.0, 3.0]])).tolist() == [0, 1, 0]


def test_responsibilities_survive_densities_beyond_the_range_of_exp():
    joint, log_density = posterior(np.array([[-5000.0, 900.0], [-5000.0, -900.0]]))
    np.testing.assert_allclose(joint, [[0.5, 1.0], [0.5, 0.0]], atol=1e-30)
    np.testing.assert_allclose(log_density, [-5000 + np.log(2), 900])


def standardised(mixture):
    return mixture.weights, (mixture.means - CENTRE) / SCALE, mixture.covariances / SCALE**2


def test_responsibilities_of_single_precision_are_those_of_double_to_a_millionth():
    log_joint, counts = np.random.default_rng(0).normal(0, 40, (5, 300)), np.arange(1.0, 301.0)
    single_precision, precise = (
        posterior(log_joint.copy(), counts, precision) for precision in (np.float32, np.float64)
    )
    np.testing.assert_allclose(single_precision[0] / counts, precise[0] / counts, atol=1e-6)
    np.testing.assert_allclose(single_precision[1], precise[1], atol=1e-6)


@pytest.mark.parametrize("n_components", [1, 4, 11])
def test_a_mixture_as_a_vector_keeps_its_density(n_components):
    mixture, middle = some_mixture(n_components), some_mixture(n_components, 7)
    again = unpack(pack(*standardised(mixture)), n_components, mixture.covariance_type)
    np.testing.assert_allclose(again.covariances, mixture.covariances, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(again.theta(), mixture.theta(), rtol=1e-9, atol=1e-9)
    coordinates = LocalCoordinates(middle, FLOOR)
    there = natural_parameters(*coordinates.gaussians(coordinates.of_mixture(*standardised(mixture))))
    np.testing.assert_allclose(there, mixture.theta(), rtol=1e-9, atol=1e-9)
    at_the_middle = natural_parameters(*coordinates.gaussians(coordinates.origin))
    np.testing.assert_allclose(at_the_middle, middle.rounded().theta(), rtol=1e-9, atol=1e-9)


def test_every_vector_is_a_mixture_with_finite_densities():
    rng = np.random.default_rng(0)
    phi = expand(rng.integers(0, 256, (100, 3), dtype=np.uint8))
    coordinates = LocalCoordinates(some_mixture(5), FLOOR)
    for scale in (0.1, 10, 1000):
        log_density = posterior(natural_parameters(*coordinates.gaussians(rng.normal(size=50) * scale)) @ phi)[1]
        assert np.isfinite(log_density).all()


def test_whitening_inverts_triangular_factors():
    factors = np.tril(np.random.default_rng(0).normal(size=(5, 4, 4))) + 3 * np.eye(4)
    np.testing.assert_allclose(invert_lower(factors) @ factors, np.broadcast_to(np.eye(4), (5, 4, 4)), atol=1e-12)


def test_half_the_squared_length_of_coordinates_is_the_divergence_of_the_complete_data():
    """Between nearby mixtures, from the closed form for Gaussians (Kullback, 1959)."""
    middle = some_mixture(3)
    coordinates = LocalCoordinates(middle, FLOOR)
    point = np.random.default_rng(1).normal(size=30) * 1e-3
    log_weights, means, factors = coordinates.gaussians(point)
    theirs, covariances = np.exp(log_weights), factors @ factors.transpose(0, 2, 1)
    divergence = 0.0
    for k, (weight, mean, covariance) in enumerate(zip(*standardised(middle), strict=True)):
        inverse, gap = np.linalg.inv(covariances[k]), means[k] - mean
        traces = np.trace(inverse @ covariance) - 3 + gap @ inverse @ gap
        sizes = np.linalg.slogdet(covariances[k]).logabsdet - np.linalg.slogdet(covariance).logabsdet
        divergence += weight * (np.log(weight / theirs[k]) + (traces + sizes) / 2)
    rows = point.reshape(3, -1)  # the part of the weights that their sum of 1 undoes moves nothing
    undone = (np.sqrt(middle.weights) @ rows[:, 0]) ** 2
    assert divergence == pytest.approx((point @ point - undone) / 2, rel=0.01)


def test_with_known_curvature_one_step_reaches_the_maximum():
    rng = np.random.default_rng(0)
    bends = np.array([1.0, 0.4, 0.1])
    curvature, top, here = LimitedMemoryBFGS(), rng.normal(size=3), np.zeros(3)
    for step in np.eye(3):
        curvature.update(step, bends * step)
    np.testing.assert_allclose(curvature.direction(bends * (top - here)), top)


def test_without_curvature_the_gradient_itself_is_the_step():
    curvature, gradient = LimitedMemoryBFGS(), np.array([1.0, -2.0])
    curvature.update(np.array([1.0, 1.0]), np.array([-1.0, 0.0]))  # bends upwards
    np.testing.assert_array_equal(curvature.direction(gradient), gradient)


def test_merging_keeps_the_moments_of_the_mixture():
    mixture = some_mixture(6)
    merged = merge_cheapest(mixture)
    assert merged.n_components == 5
    for before, after in zip(moments(mixture), moments(merged), strict=True):
        np.testing.assert_allclose(after, before)


def test_the_two_halves_of_one_component_are_merged_first():
    mixture = some_mixture(4)
    halves = Mixture(
        np.append(mixture.weights * [1, 0.5, 1, 1], mixture.weights[1] / 2),
        np.append(mixture.means, mixture.means[1:2], axis=0),
        np.append(mixture.covariances, mixture.covariances[1:2], axis=0),
    )
    np.testing.assert_allclose(merge_cheapest(halves).ordered().means, mixture.ordered().means)


def test_first_centres_are_distinct_even_when_some_colours_are_rare():
    values = np.array([[0.0, 1, 2, 3, 4]] * 3)
    counts = np.array([1e6, 1e6, 1, 1, 1])
    for seed in range(20):
        centres = kmeans_plus_plus(values, counts, 5, np.random.default_rng(seed))
        assert sorted(centres[0]) == [0, 1, 2, 3, 4]


def test_lloyd_never_raises_the_squared_distance():
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=(3, 500)), rng.integers(1, 9, 500).astype(float)
    centres = kmeans_plus_plus(values, counts, 6, rng)

    def loss(members):
        means = (values * counts) @ members.T / np.maximum((members * counts).sum(axis=1), 1)
        return (counts * ((values - means @ members) ** 2).sum(axis=0)).sum()

    losses = [loss(lloyd(values, counts, centres, steps)) for steps in range(8)]
    assert (np.diff(losses) <= 1e-9).all()
    assert losses[-1] < losses[0]


def test_an_empty_component_is_replaced_by_the_gaussian_of_all_data():
    phi = expand(np.random.default_rng(0).integers(0, 256, (400, 3), dtype=np.uint8))
    sums = np.stack([phi.sum(axis=1), np.zeros(10)])
    mixture = maximise(sums)
    np.testing.assert_allclose(mixture.means[1], mixture.means[0])
    np.testing.assert_allclose(mixture.covariances[1], mixture.covariances[0])
    assert mixture.weights[1] < 1e-9


def test_constant_data_have_the_variance_of_rounding():
    data = Data.of(np.full((7, 3), 200, np.uint8), np.ones(7))
    np.testing.assert_allclose(maximise(data.phi.sum(axis=1)[None]).covariances, [np.eye(3) / 12])


def test_an_initialisation_reports_progress_after_every_em_step():
    values = np.random.default_rng(0).integers(0, 256, (300, 3), dtype=np.uint8)
    heard = []
    mixture = best_start(Data.of(values, np.ones(300)), 3, np.random.default_rng(0), on_fraction=heard.append)
    assert mixture.n_components == 3
    assert heard == sorted(heard)
    assert heard[-1] == 1
