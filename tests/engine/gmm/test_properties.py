"""Properties that must hold for every picture, tested on generated ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.gmm.fit.em import Data, fit
from segmentation.engine.gmm.fit.quasi_newton import quasi_newton_em
from segmentation.engine.gmm.fit.starts import kmeans_start
from segmentation.engine.gmm.pixels.distinct_colours import count_colours

seeds = st.integers(0, 2**32 - 1)
flat_pictures = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))
poor_pictures = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)), elements=st.sampled_from([0, 1, 128, 255])
)
pictures = flat_pictures | poor_pictures
steady = settings(max_examples=40, deadline=None)  # the first call warms caches


@st.composite
def clouds(draw):
    """Pixels of a few random Gaussian clouds, rounded and clipped: pictures with something to find."""
    rng = np.random.default_rng(draw(seeds))
    n_clouds, n = draw(st.integers(1, 6)), draw(st.integers(40, 400))
    centres, spreads = rng.uniform(0, 255, (n_clouds, 3)), rng.uniform(0, 25, (n_clouds, 3, 3))
    kinds = rng.integers(0, n_clouds, n)
    values = centres[kinds] + np.einsum("nij,nj->ni", spreads[kinds], rng.normal(size=(n, 3)))
    return np.clip(values.round(), 0, 255).astype(np.uint8)


@given(values=clouds(), n_components=st.integers(1, 8), seed=seeds)
@settings(max_examples=150, deadline=None)
def test_the_log_likelihood_of_accelerated_em_never_falls(values, n_components, seed):
    colours = count_colours(values, None)
    data = Data.of(colours.values(), colours.counts)
    begun = kmeans_start(data, min(n_components, len(colours)), np.random.default_rng(seed))
    result = quasi_newton_em(data, begun, tolerance=1e-7, max_evaluations=100)
    assert (np.diff(result.history) >= 0).all()
    naive = np.average(begun.log_density(colours.values()), weights=colours.counts)
    np.testing.assert_allclose(result.history[0], naive, atol=1e-4)  # where it begins is rounded


@given(values=clouds(), n_components=st.integers(1, 5), seed=seeds)
@settings(max_examples=60, deadline=None)
def test_the_log_likelihood_of_plain_em_never_falls_where_the_floor_is_nothing(values, n_components, seed):
    colours = count_colours(values, None)
    data = Data.of(colours.values(), colours.counts)
    begun = kmeans_start(data, min(n_components, len(colours)), np.random.default_rng(seed), floor=1.0)
    result = fit(colours.values(), colours.counts, begun, tolerance=1e-7, max_iterations=40, floor=1e-7)
    narrowest = min(np.linalg.eigvalsh(covariance)[0] for covariance in result.mixture.covariances)
    gains = np.diff(result.history)
    assert (gains >= -1e-9).all() or narrowest < 1e-2


@given(values=clouds(), n_components=st.integers(1, 5), seed=seeds)
@steady
def test_weighted_equals_repeated(values, n_components, seed):
    colours = count_colours(values, None)
    begun = kmeans_start(
        Data.of(colours.values(), colours.counts), min(n_components, len(colours)), np.random.default_rng(seed)
    )
    weighted = fit(colours.values(), colours.counts, begun, tolerance=0, max_iterations=5)
    repeated = fit(values, np.ones(len(values)), begun, tolerance=0, max_iterations=5)
    np.testing.assert_allclose(weighted.history, repeated.history, rtol=1e-9)
    np.testing.assert_allclose(weighted.mixture.weights, repeated.mixture.weights, rtol=1e-6)
    np.testing.assert_allclose(weighted.mixture.means, repeated.mixture.means, rtol=1e-6, atol=1e-6)


@given(pixels=pictures, n_clusters=st.integers(2, 8), seed=seeds, permutation=seeds)
@steady
def test_permuting_pixels_permutes_labels(pixels, n_clusters, seed, permutation):
    recipe = Recipe(n_clusters=n_clusters, seed=seed)
    order = np.random.default_rng(permutation).permutation(pixels.shape[0] * pixels.shape[1])
    permuted = pixels.reshape(-1, 3)[order].reshape(1, -1, 3)
    here, there = segment(pixels, recipe), segment(permuted, recipe)
    np.testing.assert_array_equal(here.labels.ravel()[order], there.labels.ravel())
    assert here.mixture.to_json() == there.mixture.to_json()


@given(pixels=pictures, n_clusters=st.integers(2, 32), seed=seeds, masking=seeds)
@settings(max_examples=100, deadline=None)
def test_every_picture_has_a_valid_result(pixels, n_clusters, seed, masking):
    valid = np.random.default_rng(masking).random(pixels.shape[:2]) < 0.7
    valid.flat[0] = True
    result = segment(pixels, Recipe(n_clusters=n_clusters, seed=seed), valid=valid)
    distinct = len({tuple(colour) for colour in pixels[valid].tolist()})
    assert result.distinct_colours == distinct
    assert result.mixture.n_components == min(n_clusters, distinct) == len(result.components)
    assert np.isfinite(result.log_likelihood)
    assert np.isfinite(result.history).all()
    assert (np.linalg.eigvalsh(result.mixture.covariances) > 0.08).all()
    assert (result.labels[~valid] == 255).all()
    np.testing.assert_array_equal(result.labels[valid], result.mixture.predict(pixels[valid]))
    assert sum(component.pixels for component in result.components) == valid.sum() == result.valid_pixels


@given(pixels=pictures, n_clusters=st.integers(2, 6), seed=seeds)
@steady
def test_components_equal_a_naive_count(pixels, n_clusters, seed):
    result = segment(pixels, Recipe(n_clusters=n_clusters, seed=seed))
    height, width = result.labels.shape
    posterior = result.mixture.posterior(pixels)
    for label, component in enumerate(result.components):
        colours = [
            [int(value) for value in pixels[y, x]]
            for y in range(height)
            for x in range(width)
            if result.labels[y, x] == label
        ]
        assert component.pixels == len(colours)
        assert component.sum == tuple(sum(colour[i] for colour in colours) for i in range(3))
        pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
        assert component.products == tuple(sum(colour[i] * colour[j] for colour in colours) for i, j in pairs)
        assert component.border_pixels == sum(
            result.labels[y, x] == label
            for y in range(height)
            for x in range(width)
            if y in {0, height - 1} or x in {0, width - 1}
        )
        np.testing.assert_allclose(component.soft_pixels, posterior[..., label].sum(), rtol=1e-5, atol=5e-5)
