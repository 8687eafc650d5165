"""The kernels one by one, each against its formula written plainly or an independent implementation."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.mixture import GaussianMixture

from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.labels.blur import gaussian_blur
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE
from segmentation.engine.gmm.regions.blockwise import moments, products
from segmentation.engine.gmm.regions.energy import doubled, energies, halved, hellinger_distances, steps
from segmentation.engine.gmm.regions.features import region_features
from segmentation.engine.gmm.regions.mixtures import FLOOR, Ensemble, fit_ensemble, fit_mixture, golden_ratio_indices
from segmentation.engine.gmm.regions.pca_part import pca_part, pca_part_start
from segmentation.engine.gmm.regions.resampling import Level, area_average, area_average_valid, enlarge_labels, pyramid
from segmentation.engine.gmm.regions.segmentation import PIXELS, analysed_shape
from segmentation.engine.gmm.regions.watershed import watershed_leaves


def reflected(planes, sigma):
    return np.stack([gaussian_filter(plane.astype(float), sigma, truncate=3) for plane in planes])


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (5, 3), (64, 64), (65, 131)])
@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_blur_is_that_of_scipy(shape, sigma):
    planes = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    np.testing.assert_allclose(gaussian_blur(planes, sigma), reflected(planes, sigma), atol=2e-6)


def test_the_margin_of_a_blur_continues_the_mirrored_picture():
    planes = np.random.default_rng(0).random((2, 20, 30), dtype=np.float32)
    wide = np.pad(planes, ((0, 0), (15, 15), (15, 15)), mode="symmetric")
    np.testing.assert_allclose(gaussian_blur(planes, 2.0, 4), reflected(wide, 2.0)[:, 11:-11, 11:-11], atol=2e-6)


def test_features_of_a_constant_picture_are_its_colour_without_roughness():
    colours = lab(np.full((9, 11, 3), (200, 30, 90), np.uint8).transpose(2, 0, 1))
    measured = region_features(colours)
    np.testing.assert_allclose(measured[:3], colours, rtol=1e-5)
    np.testing.assert_allclose(measured[3:6], colours, rtol=1e-5)
    assert measured[6].max() < 1e-4


@pytest.mark.parametrize("n", [1, 100, 8192, 9001])
def test_products_in_blocks_are_those_of_double_precision(n):
    rng = np.random.default_rng(n)
    values = rng.normal(0, 10, (7, n)).astype(np.float32)
    shares = rng.dirichlet(np.ones(8), n).T.astype(np.float32)
    parameters = rng.normal(size=(8, 7))
    np.testing.assert_allclose(products(parameters, values), parameters @ values.astype(float), rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(
        moments(shares, values), shares.astype(float) @ values.T.astype(float), rtol=1e-12, atol=1e-9
    )


@pytest.fixture
def clouds():
    """Centred values (3, 4000) of three kinds."""
    rng = np.random.default_rng(3)
    return (rng.normal(0, 20, (3, 4000)) + rng.choice([-40, 0, 50], 4000)).astype(np.float32)


def test_posteriors_of_a_fit_are_those_of_scikit_learn(clouds):
    theirs = GaussianMixture(6, reg_covar=FLOOR, tol=1e-7, max_iter=500, random_state=0).fit(clouds.T)
    ensemble = Ensemble(np.zeros(3, np.float32), (fit_mixture(clouds, 6),))
    (ours,) = ensemble.posteriors(clouds[:, None])
    np.testing.assert_allclose(ours.sum(axis=0), 1, atol=1e-5)
    theta = ensemble.thetas[0]
    precisions, linear = precision_matrices(theta[:, 4:]), theta[:, 1:4]
    covariances = np.linalg.inv(precisions) * SCALE**2
    means = np.einsum("kij,kj->ki", covariances, linear) / SCALE
    theirs.means_, theirs.precisions_cholesky_ = means, np.linalg.cholesky(np.linalg.inv(covariances))
    theirs.weights_ = ours[:, 0].mean(axis=1)
    assert theirs.score(clouds.T) > GaussianMixture(6, random_state=0).fit(clouds.T).score(clouds.T) - 0.02
    agree = theirs.predict_proba(clouds.T).T
    np.testing.assert_allclose(ours[:, 0], agree, atol=0.02)  # weights are those of the next step


def precision_matrices(upper):
    """Symmetric matrices from -1/2 of their diagonal and -1 times the rest of their upper triangle."""
    matrices = np.zeros((len(upper), 3, 3))
    rows, columns = np.triu_indices(3)
    matrices[:, rows, columns] = -upper
    return matrices + matrices.transpose(0, 2, 1)


def test_every_mixture_of_an_ensemble_has_posteriors_that_do_not_underflow(clouds):
    features = (clouds + 100).reshape(3, 40, 100)
    posteriors = fit_ensemble(features, np.ones((40, 100), np.bool_)).posteriors(features)
    assert [len(posterior) for posterior in posteriors] == [8, 16, 32]
    for posterior in posteriors:
        np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-5)
        assert posterior.min() > 1e-19  # the square is no subnormal number of single precision


def data_of(x):
    return Data.of(x.T + CENTRE, np.ones(x.shape[1]))


def test_separated_clusters_are_found_without_randomness():
    rng = np.random.default_rng(4)
    centres = rng.permutation(np.stack(np.meshgrid([0, 50, 100], [0, 50, 100]), axis=-1).reshape(-1, 2))
    kinds = rng.integers(0, 9, 3000)
    members = pca_part_start(data_of((centres[kinds] + rng.normal(0, 3, (3000, 2))).T), 9)
    assert all(len(np.unique(kinds[cluster > 0])) == 1 for cluster in members)
    np.testing.assert_array_equal(members.sum(axis=0), 1)


def test_no_more_clusters_are_made_than_there_are_values():
    found = pca_part(data_of(np.repeat([[0.0, 5.0, 9.0]], 40, axis=1)), 8)
    assert sorted((found[:, 0] * SCALE).round(6).tolist()) == [0, 5, 9]


@pytest.mark.parametrize(("n", "size"), [(1, 10), (10, 10), (11, 10), (1000, 10), (154_401, 8192)])
def test_a_sample_has_one_index_in_each_stratum(n, size):
    chosen = golden_ratio_indices(n, size, 1 / 3)
    assert len(chosen) == min(n, size)
    stretch = max(n / size, 1)
    assert (chosen > np.arange(len(chosen)) * stretch - 1).all()
    assert (chosen <= (np.arange(len(chosen)) + 1) * stretch).all()


def hellinger(p, q):
    return np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=0) / 2)


def test_hellinger_distances_are_those_of_the_blurred_posteriors_on_both_sides():
    rng = np.random.default_rng(5)
    posterior = np.moveaxis(rng.dirichlet(np.full(4, 0.2), (20, 26)), -1, 0).astype(np.float32)
    wide = np.pad(posterior, ((0, 0), (12, 12), (12, 12)), mode="symmetric")
    smooth = reflected(wide, 2.0)[:, 6:-6, 6:-6].clip(0)
    found = hellinger_distances(posterior, 2.0, 3.0)
    for (down, right), plane in zip(steps(3.0), found, strict=True):
        one = smooth[:, 6 + down : 26 + down, 6 + right : 32 + right]
        other = smooth[:, 6 - down : 26 - down, 6 - right : 32 - right]
        np.testing.assert_allclose(plane, hellinger(one, other), atol=2e-3)


def test_steps_go_half_way_round():
    assert steps(3.0) == [(0, 3), (1, 3), (2, 2), (3, 1), (3, 0), (3, -1), (2, -2), (1, -3)]


def test_energy_is_largest_across_a_border():
    posterior = np.zeros((2, 40, 40), np.float32)
    posterior[0, :, :20] = posterior[1, :, 20:] = 1
    energy = energies([posterior])
    assert energy.min() >= 0
    assert energy.max() <= 1
    assert (energy[0, :, 19:21] > 0.7).all()
    assert (energy[4] < 0.01).all()  # along it nothing changes
    assert energy[:, :, :5].max() < 0.05
    assert energy.max(axis=0).argmax() % 40 in (19, 20)


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (7, 10), (8, 9)])
def test_doubling_undoes_halving_of_what_is_linear(shape):
    y, x = np.indices(shape, np.float32)
    planes = np.stack([np.ones(shape, np.float32), y + 2 * x])
    again = doubled(halved(planes), shape)
    assert again.shape == planes.shape
    np.testing.assert_allclose(again[0], 1, rtol=1e-6)
    inner = np.s_[1, 2 : shape[0] - 3, 2 : shape[1] - 3]
    np.testing.assert_allclose(again[inner], planes[inner], rtol=1e-5)


def test_each_valley_is_a_leaf():
    relief = np.zeros((8, 9, 9), np.float32)
    relief[3, 4] = 0.5
    relief[5, :, 4] = 0.25
    labels = watershed_leaves(relief)
    assert len(np.unique(labels)) == 4
    assert len({labels[0, 0], labels[0, 8], labels[8, 0], labels[8, 8]}) == 4


@pytest.mark.parametrize("shape", [(7, 9), (3, 4), (1, 1), (10, 13)])
def test_averages_cover_fractions_of_pixels(shape):
    pixels = np.random.default_rng(6).integers(0, 256, (10, 13, 3), dtype=np.uint8)
    finest = np.repeat(np.repeat(pixels.astype(float), shape[0], axis=0), shape[1], axis=1)
    expected = finest.reshape(shape[0], 10, shape[1], 13, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(area_average(pixels, shape), expected, rtol=1e-5)


def test_only_valid_pixels_are_averaged_and_holes_filled_from_the_nearest():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 1::2] = 100
    valid = np.zeros((4, 8), bool)
    valid[:, 1] = valid[:, 6] = True
    means, there = area_average_valid(Level(pixels, valid), (2, 4))
    np.testing.assert_array_equal(there, [[True, False, False, True]] * 2)
    np.testing.assert_allclose(means[..., 0], [[100, 100, 0, 0]] * 2)


def test_a_pyramid_halves_by_means_of_what_is_valid():
    pixels = np.random.default_rng(7).integers(0, 256, (13, 22, 3), dtype=np.uint8)
    valid = np.random.default_rng(8).random((13, 22)) < 0.5
    plain, masked = pyramid(pixels, None, (3, 5)), pyramid(pixels, valid, (3, 5))
    assert [level.shape for level in plain] == [level.shape for level in masked] == [(13, 22), (7, 11), (4, 6)]
    fours = np.concatenate([pixels, pixels[-1:]]).reshape(7, 2, 11, 2, 3).astype(float)
    counts = np.concatenate([valid, valid[-1:]]).reshape(7, 2, 11, 2, 1)
    np.testing.assert_allclose(plain[1].pixels, fours.mean(axis=(1, 3)), atol=0.5)
    there = counts.any(axis=(1, 3))[..., 0]
    np.testing.assert_array_equal(masked[1].valid, there)
    expected = (fours * counts).sum(axis=(1, 3))[there] / counts.sum(axis=(1, 3))[there]
    np.testing.assert_allclose(masked[1].pixels[there], expected, atol=0.5)


def test_a_larger_label_map_repeats_the_smaller():
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(enlarge_labels(labels, (4, 9)), np.repeat(np.repeat(labels, 2, axis=0), 3, axis=1))
    assert enlarge_labels(labels, (3, 5)).shape == (3, 5)


@pytest.mark.parametrize(
    "shape", [(1, 1), (321, 481), (3000, 4000), (1, 10**8), (10**8, 1), (7, 10**6), (20_000, 20_000)]
)
def test_the_analysed_picture_is_small_and_no_larger_than_the_full_one(shape):
    height, width = analysed_shape(*shape)
    assert 1 <= height <= shape[0]
    assert 1 <= width <= shape[1]
    assert height * width <= PIXELS
    narrow = min(shape) < 64
    assert narrow or height * width > 0.9 * min(shape[0] * shape[1], PIXELS)
