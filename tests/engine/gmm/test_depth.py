"""Pictures of more than 8 bits or other than 3 bands: fits in full depth, units, and reproducible labels."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.gmm.features.extraction import extract_features
from segmentation.engine.gmm.features.units import Units, as_bands, display_rgb
from segmentation.engine.gmm.labels import labelling
from segmentation.engine.gmm.labels.labelling import label_pixels, label_values
from segmentation.engine.gmm.mixture.densities import most_probable_at, most_probable_stable
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import expand
from segmentation.engine.gmm.pixels.sources import OneBand, PerPixel, feature_source


def phases(means, sd, shape=(80, 90), seed=0):
    """Values (H, W, B) of blocks of some phases, means (K, B), with noise; and which phase is where."""
    means = np.atleast_2d(np.asarray(means, float))
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    truth = (rows // 20 + columns // 15) % len(means)
    return means[truth] + rng.normal(0, sd, (*shape, means.shape[1])), truth


def recovered(result):
    """The means of a result in values of its picture."""
    return np.array(result.units.offset) + np.array(result.units.scale) * result.mixture.means


# --- Phases that 8 bits cannot tell -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_clusters", [2, None])
def test_phases_of_12_bits_that_differ_by_less_than_a_level_of_8_are_separated(n_clusters):
    values, truth = phases([[1000], [1012]], 2)  # a level of 8 bits is 16 of 12, and 257 of 16
    result = segment(values.round().astype(np.uint16), Recipe(n_clusters=n_clusters))
    assert (result.labels == truth).mean() > 0.995
    np.testing.assert_allclose(recovered(result), [[1000], [1012]], atol=0.2)
    assert np.sqrt(result.mixture.covariances.ravel()) * result.units.scale[0] == pytest.approx([2, 2], rel=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_a_phase_that_only_the_fifth_band_of_six_tells_is_found(dtype):
    means = np.full((2, 6), 90.0)
    means[1, 4] = 110
    values, truth = phases(means, 2)
    result = segment(values.round().astype(dtype), Recipe(n_clusters=2))
    assert (result.labels == truth).mean() > 0.999
    np.testing.assert_allclose(recovered(result), means, atol=0.2)
    assert result.names == tuple(f"band {number}" for number in range(1, 7))


@pytest.mark.parametrize(
    ("dtype", "low"), [(np.int16, -3000), (np.int8, -100), (np.int32, -(10**8)), (np.uint32, 4 * 10**9)]
)
def test_integers_of_every_type_are_fitted(dtype, low):
    values, truth = phases([[low], [low + 40]], 3)
    result = segment(values.round().astype(dtype), Recipe(n_clusters=2))
    np.testing.assert_array_equal(result.labels, truth)
    np.testing.assert_allclose(recovered(result), [[low], [low + 40]], atol=0.5)


def test_floats_keep_more_than_single_precision():
    values, truth = phases([[1e9], [1e9 + 1]], 0.05)
    result = segment(values, Recipe(n_clusters=2))
    np.testing.assert_array_equal(result.labels, truth)
    np.testing.assert_allclose(recovered(result) - 1e9, [[0], [1]], atol=0.01)


def test_float_bands_of_different_quantities_have_equal_influence():
    values, truth = phases([[0.2, 1000], [0.3, 1000]], 1)
    values[..., 0] = np.array([0.2, 0.3])[truth] + (values[..., 0] - np.array([0.2, 0.3])[truth]) * 0.01
    values[..., 1] += np.random.default_rng(1).uniform(-900, 900, truth.shape)
    result = segment(values.astype(np.float32), Recipe(n_clusters=2))
    assert (result.labels == truth).mean() > 0.999


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32, np.float64])
def test_a_constant_deep_picture_has_one_cluster(dtype):
    result = segment(np.full((6, 7, 3), 1234, dtype), Recipe(n_clusters=4))
    assert result.mixture.n_components == 1
    np.testing.assert_array_equal(recovered(result), [[1234] * 3])
    assert (result.labels == 0).all()


def test_sixteen_equal_deep_bands():
    values, truth = phases([[5000], [5400], [6200]], 30)
    result = segment(np.repeat(values.round().astype(np.uint16), 16, axis=2), Recipe(n_clusters=3))
    np.testing.assert_array_equal(result.labels, truth)
    assert result.mixture.means.shape == (3, 16)


# --- Units --------------------------------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 10**6),
    dtype=st.sampled_from([np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float16, np.float32, np.float64]),
    spread=st.floats(0.01, 1),
)
@settings(max_examples=60, deadline=None)
def test_a_value_is_the_offset_and_units_times_the_scale(seed, dtype, spread):
    info = np.finfo(dtype) if np.issubdtype(dtype, np.floating) else np.iinfo(dtype)
    rng = np.random.default_rng(seed)
    values = ((rng.random((4, 5, 3)) - 0.5) * spread * min(float(info.max), 1e30)).astype(dtype)
    units = Units.of(values, None)
    measured = units.values(values).astype(float)
    assert measured.min() >= -1e-4
    assert measured.max() <= 255 + 1e-4
    back = np.array(units.offset) + np.array(units.scale) * measured
    size = np.abs(values.astype(float)).max() + np.ptp(values.astype(float))
    np.testing.assert_allclose(back, values.astype(float), rtol=0, atol=2e-7 * size)
    assert Units.from_mapping(units.to_mapping()) == units


def test_values_of_8_bits_are_their_own_units():
    values = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    units = Units.of(values, None)
    assert units.values(values) is values
    assert units == Units.identity(3)


def test_colours_of_16_bits_have_the_lightness_of_the_same_colours_in_8():
    colours = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    for features in ("lab", "gray", "od"):
        shallow, deep = (
            extract_features(pixels, None, Recipe(features=features)).values
            for pixels in (colours, colours.astype(np.uint16) * 257)
        )
        np.testing.assert_allclose(deep, shallow, atol=1e-3)


def test_a_mixture_is_applied_to_another_picture_in_the_units_of_its_own():
    first, second = (phases([[2000, 900, 800], [2600, 950, 1200]], 40, seed=seed) for seed in (0, 1))
    recipe = Recipe(n_clusters=2)
    result = segment(first[0].round().astype(np.uint16), recipe)
    other = np.concatenate([second[0], np.full((80, 5, 3), 60_000)], axis=1).round().astype(np.uint16)  # wider range
    labels = result.mixture.predict(extract_features(other, None, recipe, units=result.units).values)
    np.testing.assert_array_equal(labels[:, :90], second[1])


@pytest.mark.parametrize(("dtype", "texture"), [(np.uint16, 0), (np.float32, 0), (np.uint16, 1)])
def test_a_start_from_a_run_with_another_range_is_converted(dtype, texture):
    values, _ = phases([[1000, 1300], [1040, 1300]], 6)
    values[:20, :40] = 60_000  # a scale bar, which the second run leaves out
    pixels, bar = values.round().astype(dtype), np.zeros((80, 90), np.bool_)
    bar[:20, :40] = True
    recipe = Recipe(n_clusters=2, texture=texture)
    rest = segment(pixels, recipe, valid=~bar)
    with_bar = Units.of(as_bands(pixels, None)[0], None)
    gain, shift = rest.units.conversion_to(with_bar)
    alike = np.concatenate([gain, np.ones(texture)]), np.concatenate([shift, np.zeros(texture)])
    begin = rest.mixture.rescaled(*alike)  # as a run of the whole picture would have them
    first = replace(recipe, max_iterations=1)
    again = segment(pixels, first, valid=~bar, start=begin, start_units=with_bar)
    np.testing.assert_allclose(again.mixture.means, rest.mixture.means, atol=0.05)
    lost = segment(pixels, first, valid=~bar, start=begin)
    assert np.abs(lost.mixture.means - rest.mixture.means).max() > 5


def test_units_are_converted_to_other_units():
    one, other = Units((100.0, 5.0), (2.0, 1.0), (1.0, 1.0)), Units((90.0, 5.0), (4.0, 0.5), (1.0, 1.0))
    gain, shift = one.conversion_to(other)
    in_units, in_others = (np.array([20.0, 30.0]) - u.offset for u in (one, other))
    np.testing.assert_allclose(shift + gain * (in_units / one.scale), in_others / other.scale)


# --- What people see ----------------------------------------------------------------------------------------------------


def test_measured_colours_are_those_that_are_shown():
    values, truth = phases([[1000], [3000]], 5)
    shown = np.where(truth[..., None] == 0, (10, 20, 30), (200, 100, 0)).astype(np.uint8)
    for data in (values.round().astype(np.uint16), np.repeat(values, 6, axis=2).astype(np.float32)):
        for exact in (False, True):
            result = segment(data, Recipe(n_clusters=2, exact=exact), shown=shown)
            assert [component.colour for component in result.components] == ["#0a141e", "#c86400"]


def test_arrays_are_displayed_in_their_range():
    bands = np.array([[[100, 200, 300, 9], [300, 150, 100, 9]]], np.uint16)
    np.testing.assert_array_equal(display_rgb(bands), [[[0, 128, 255], [255, 64, 0]]])
    gaps = np.array([[0.5, np.nan, 1.0]])
    np.testing.assert_array_equal(display_rgb(gaps)[0, :, 0], [0, 0, 255])


def test_regions_are_those_of_the_displayed_picture():
    values, truth = phases([[1000], [3000]], 5)
    shown = np.where(truth[..., None] == 0, (10, 20, 30), (200, 100, 0)).astype(np.uint8)
    recipe = Recipe.from_mapping({"preset": "regions"})
    deep, flat = segment(values.astype(np.uint16), recipe, shown=shown), segment(shown, recipe)
    np.testing.assert_array_equal(deep.labels, flat.labels)
    assert deep.names[-1] == "roughness"


# --- The same labels in every way ---------------------------------------------------------------------------------------


def by_value(sample):
    """Return the different values of a sample and their counts; those far outside of the range are equal in units."""
    values, where = np.unique(sample.values, return_inverse=True)
    return values, np.bincount(where.ravel(), sample.counts)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("features", ["rgb", "gray", "od"])
def test_a_table_of_grey_values_and_single_pixels_agree(dtype, features):
    values, _ = phases([[60], [90], [100]], 8)
    recipe, valid = Recipe(n_clusters=3, features=features), np.random.default_rng(2).random((80, 90)) < 0.9
    pixels = values.round().astype(dtype)
    result = segment(pixels, recipe, valid=valid)
    table = feature_source(pixels, valid, recipe)
    assert isinstance(table, OneBand)
    measured = PerPixel(extract_features(pixels, valid, recipe), display_rgb(pixels, valid))
    sample = measured.full_sample(lambda _: None)
    counted = table.full_sample(lambda _: None)
    for one, other in zip(by_value(counted), by_value(sample), strict=True):
        np.testing.assert_allclose(one, other)
    here, there = (label_pixels(picture, result.mixture, sample) for picture in (table, measured))
    np.testing.assert_array_equal(here.labels, there.labels)
    np.testing.assert_array_equal(here.areas, there.areas)
    np.testing.assert_array_equal(here.labels.reshape(80, 90), result.labels)


@pytest.mark.parametrize("kind", ["noise", "narrow", "grid"])
@pytest.mark.parametrize("n_bands", [3, 7])
def test_labels_do_not_depend_on_what_is_computed_together(kind, n_bands, monkeypatch):
    rng = np.random.default_rng(n_bands)
    sd = {"noise": 40.0, "narrow": 0.02, "grid": 40.0}[kind]
    centres = rng.uniform(50, 200, (6, n_bands))
    if kind == "narrow":
        centres = centres[:1] + rng.normal(0, 0.05, (6, n_bands))
    if kind == "grid":  # every other value is as near to one component as to another
        centres[:] = 100
        centres[:, 0] = np.arange(6) * 2
    values = (centres[rng.integers(0, 6, 5000)] + rng.normal(0, sd, (5000, n_bands))).astype(np.float32)
    if kind == "grid":
        values = values.round()
    factors = rng.normal(0, sd / 3, (6, n_bands, n_bands)) if kind != "grid" else np.zeros((6, n_bands, n_bands))
    covariances = factors @ factors.transpose(0, 2, 1) + np.eye(n_bands) * sd**2
    mixture = Mixture(np.full(6, 1 / 6), centres, covariances)
    theta = mixture.theta()
    oracle = most_probable_stable(theta, expand(values))
    np.testing.assert_array_equal(most_probable_at(theta, values), oracle)
    np.testing.assert_array_equal(mixture.predict(values), oracle)
    one_by_one = [most_probable_at(theta, values[place : place + 1])[0] for place in range(300)]
    np.testing.assert_array_equal(one_by_one, oracle[:300])
    for numbers in (2**9, 2**14):
        monkeypatch.setattr(labelling, "_BLOCK_NUMBERS", numbers)
        np.testing.assert_array_equal(label_values(values, None, mixture).labels, oracle)
    assert (mixture.posterior(values).argmax(axis=1) == oracle).mean() > (0.5 if kind == "grid" else 0.999)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_memory_layout_does_not_matter_to_deep_pictures(dtype):
    values, _ = phases([[2000, 900, 800, 5], [2600, 950, 1200, 5]], 300)
    pixels = values.astype(dtype)
    expected = segment(pixels, Recipe(n_clusters=2))
    for arranged in (np.asfortranarray(pixels), pixels[:, ::-1][:, ::-1], np.repeat(pixels, 2, axis=1)[:, ::2]):
        result = segment(arranged, Recipe(n_clusters=2))
        assert result.labels.tobytes() == expected.labels.tobytes()
        assert result.mixture.to_json() == expected.mixture.to_json()
