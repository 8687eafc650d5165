"""The kernels one by one, each against what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.colours import Colours, count
from segmentation.engine.gmm.densities import exact, most_probable, posterior
from segmentation.engine.gmm.em import FLOOR, Data, maximise
from segmentation.engine.gmm.features import expand
from segmentation.engine.gmm.merging import merged_once
from segmentation.engine.gmm.sampling import thin
from segmentation.engine.gmm.squarem import leap, natural_at, pack
from segmentation.engine.gmm.starts import best_start, lloyd, spread


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
        colours = count(pixels, mask)
        np.testing.assert_array_equal(colours.codes, codes)
        np.testing.assert_array_equal(colours.counts, counts)
        np.testing.assert_array_equal(colours.values() @ np.array([1, 256, 65536]), codes)


def test_a_sample_holds_each_colour_as_often_as_its_share_to_within_one():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 2000, 5000).astype(np.uint32)
    colours = Colours(np.arange(5000, dtype=np.uint32) * 7, counts)
    sample = thin(colours, 4000, np.random.default_rng(1))
    assert sample.pixels == 4000
    drawn = np.zeros(5000)
    drawn[np.searchsorted(colours.codes, sample.codes)] = sample.counts
    assert (np.abs(drawn - counts * 4000 / counts.sum()) < 2).all()
    assert np.abs(np.cumsum(drawn) - np.cumsum(counts) * 4000 / counts.sum()).max() < 1.0001


def test_no_more_colours_than_the_sample_are_all_kept():
    colours = Colours(np.arange(50, dtype=np.uint32), np.full(50, 10**6, np.uint32))
    assert thin(colours, 50, np.random.default_rng(0)) is colours


def test_features_are_the_monomials_up_to_degree_two():
    np.testing.assert_array_equal(
        expand(np.array([[0, 64, 192]], np.uint8)).ravel(), [1, -2, -1, 1, 4, 2, -2, 1, -1, 1]
    )


@given(seed=st.integers(0, 10**6), n_components=st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_rounded_parameters_give_the_same_sums_in_any_order(seed, n_components):
    theta = exact(some_mixture(n_components, seed).theta())
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
    np.testing.assert_array_equal(joint, [[0.5, 1.0], [0.5, 0.0]])
    np.testing.assert_allclose(log_density, [-5000 + np.log(2), 900])


@pytest.mark.parametrize("n_components", [1, 4, 11])
def test_a_mixture_as_a_vector_keeps_its_density(n_components):
    mixture = some_mixture(n_components)
    np.testing.assert_allclose(natural_at(pack(mixture), n_components, FLOOR), mixture.theta(), rtol=1e-9, atol=1e-9)


def test_every_vector_is_a_mixture_with_finite_densities():
    rng = np.random.default_rng(0)
    phi = expand(rng.integers(0, 256, (100, 3), dtype=np.uint8))
    for scale in (0.1, 10, 1000):
        log_density = posterior(natural_at(rng.normal(size=50) * scale, 5, FLOOR) @ phi)[1]
        assert np.isfinite(log_density).all()


def test_a_leap_of_length_one_is_the_second_step_and_of_a_geometric_series_its_limit():
    origin, first, second = np.array([8.0, -4.0]), np.array([4.0, -2.0]), np.array([2.0, -1.0])
    np.testing.assert_allclose(leap(origin, first, second, 1.0)[0], second)
    point, length = leap(origin, first, second, 100.0)
    np.testing.assert_allclose(point, 0, atol=1e-12)
    assert length == pytest.approx(2)


def test_a_leap_from_a_standstill_stays():
    point, length = leap(np.ones(3), np.ones(3), np.ones(3), 64.0)
    assert (point == 1).all()
    assert length == 1


def test_merging_keeps_the_moments_of_the_whole():
    mixture = some_mixture(6)
    merged = merged_once(mixture)
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
    np.testing.assert_allclose(merged_once(halves).ordered().means, mixture.ordered().means)


def test_first_centres_are_distinct_even_when_some_colours_are_rare():
    values = np.array([[0.0, 1, 2, 3, 4]] * 3)
    counts = np.array([1e6, 1e6, 1, 1, 1])
    for seed in range(20):
        centres = spread(values, counts, 5, np.random.default_rng(seed))
        assert sorted(centres[0]) == [0, 1, 2, 3, 4]


def test_lloyd_never_raises_the_squared_distance():
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=(3, 500)), rng.integers(1, 9, 500).astype(float)
    centres = spread(values, counts, 6, rng)

    def loss(members):
        means = (values * counts) @ members.T / np.maximum((members * counts).sum(axis=1), 1)
        return (counts * ((values - means @ members) ** 2).sum(axis=0)).sum()

    losses = [loss(lloyd(values, counts, centres, steps)) for steps in range(8)]
    assert (np.diff(losses) <= 1e-9).all()
    assert losses[-1] < losses[0]


def test_an_idle_component_starts_over_as_the_whole_picture():
    phi = expand(np.random.default_rng(0).integers(0, 256, (400, 3), dtype=np.uint8))
    sums = np.stack([phi.sum(axis=1), np.zeros(10)])
    mixture = maximise(sums)
    np.testing.assert_allclose(mixture.means[1], mixture.means[0])
    np.testing.assert_allclose(mixture.covariances[1], mixture.covariances[0])
    assert mixture.weights[1] < 1e-9


def test_constant_data_have_the_variance_of_rounding():
    data = Data.of(np.full((7, 3), 200, np.uint8), np.ones(7))
    np.testing.assert_allclose(maximise(data.phi.sum(axis=1)[None]).covariances, [np.eye(3) / 12])


def test_a_start_reports_every_step_of_em_up_to_the_whole():
    values = np.random.default_rng(0).integers(0, 256, (300, 3), dtype=np.uint8)
    heard = []
    mixture = best_start(Data.of(values, np.ones(300)), 3, np.random.default_rng(0), on_fraction=heard.append)
    assert mixture.n_components == 3
    assert heard == sorted(heard)
    assert heard[-1] == 1
