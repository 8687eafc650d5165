"""Colour spaces, bit depths, numbers of bands, texture and position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter
from skimage.color import rgb2lab

from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.gmm.features.colour_spaces import lab, lightness, optical_density
from segmentation.engine.gmm.features.extraction import extract_features
from segmentation.engine.gmm.features.texture import WINDOWS, roughness
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.labels.labelling import label_pixels


def test_lab_is_that_of_scikit_image():
    colours = np.random.default_rng(0).integers(0, 256, (1000, 3), dtype=np.uint8)
    np.testing.assert_allclose(lab(colours.T).T, rgb2lab(colours[None])[0], atol=0.02)
    np.testing.assert_allclose(lab(colours.T.astype(float)), lab(colours.T), atol=1e-4)


def test_grey_has_lightness_and_no_colour():
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None], 3, axis=0)
    light, *colour = lab(greys)
    np.testing.assert_allclose(colour, 0, atol=1e-4)
    np.testing.assert_array_equal(lightness(greys), light[None])
    np.testing.assert_allclose(lightness(greys[:1]), light[None], atol=1e-4)
    np.testing.assert_allclose(light[[0, -1]], [0, 100], atol=1e-4)


def test_stains_add_in_optical_density():
    transmitted = np.array([[0.5], [0.8], [0.1]])
    once, twice = (optical_density(256 * transmitted**n - 1) for n in (1, 2))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)
    assert optical_density(np.array([[255]])) == 0


@pytest.mark.parametrize(("features", "dimension"), [("lab", 3), ("gray", 1), ("od", 3)])
def test_a_picture_in_another_space_is_labelled_by_its_mixture(china, features, dimension):
    recipe = Recipe(n_clusters=4, features=features)
    result = segment(china, recipe)
    assert result.mixture.means.shape == (4, dimension)
    values = extract_features(china, None, recipe).values
    np.testing.assert_array_equal(result.mixture.predict(values), result.labels)
    assert sum(component.pixels for component in result.components) == china[:, :, 0].size


def test_a_table_of_colours_and_single_pixels_agree(china):
    from segmentation.engine.gmm.pixels.sources import EightBit, PerPixel  # noqa: PLC0415 - kept near

    recipe = Recipe(features="lab", n_clusters=5)
    mixture = segment(china, recipe).mixture
    pictures = EightBit(china, None, recipe.features), PerPixel(extract_features(china, None, recipe), china)
    sample = pictures[0].sample(1000, np.random.default_rng(0))
    here, there = (label_pixels(picture, mixture, sample) for picture in pictures)
    np.testing.assert_array_equal(here.labels, there.labels)
    np.testing.assert_array_equal(here.areas, there.areas)


def test_grey_pictures_have_one_dimension():
    grey = np.random.default_rng(0).choice([40, 90, 200], (60, 70)).astype(np.uint8)
    grey += np.random.default_rng(1).integers(0, 9, grey.shape, dtype=np.uint8)
    result = segment(grey, Recipe(n_clusters=3))
    assert result.mixture.means.shape == (3, 1)
    np.testing.assert_allclose(result.mixture.means.ravel(), [44, 94, 204], atol=1)
    assert segment(grey[..., None], Recipe(n_clusters=3)).labels.tobytes() == result.labels.tobytes()
    assert result.components[0].colour == "#2c2c2c"


def test_sixteen_bits_are_not_cut_to_eight():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (80, 90))
    pixels = (30_000 + 100 * truth + rng.normal(0, 10, truth.shape)).astype(
        np.uint16
    )  # less than half of one 8-bit step
    result = segment(pixels, Recipe(n_clusters=2))
    np.testing.assert_array_equal(result.labels, truth)
    (offset,), (scale,) = result.units.offset, result.units.scale
    assert offset + scale * result.mixture.means.ravel() == pytest.approx([30_000, 30_100], abs=2)
    assert scale**2 * result.mixture.covariances.ravel() == pytest.approx([100, 100], rel=0.2)
    ends = np.quantile(pixels, [0.001, 0.999], method="nearest")
    assert (offset, offset + 255 * scale) == pytest.approx(ends)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32])
def test_a_few_wild_pixels_do_not_decide_the_units(dtype):
    truth = np.random.default_rng(0).integers(0, 2, (80, 90))
    pixels = (1000 + 100 * truth + np.random.default_rng(1).normal(0, 10, truth.shape)).astype(dtype)
    pixels[0, 0], pixels[0, 1] = 30_000, 0
    units = Units.of(pixels[..., None], None)
    assert units.offset[0] == pytest.approx(970, abs=10)
    assert units.scale[0] == pytest.approx(160 / 255, rel=0.1)
    values = units.values(pixels[..., None])
    assert (values[0, 0, 0], values[0, 1, 0]) == (383, -128)
    inside = np.ones(truth.shape, bool)
    inside[0, :2] = False
    np.testing.assert_allclose(
        units.offset[0] + units.scale[0] * values[inside].astype(float)[:, 0], pixels[inside].astype(float), rtol=1e-5
    )
    np.testing.assert_array_equal(segment(pixels, Recipe(n_clusters=2)).labels[inside], truth[inside])


def test_values_that_hardly_vary_have_the_range_of_all():
    pixels = np.full((80, 90), 500, np.uint16)
    pixels[3, 4] = 900
    units = Units.of(pixels[..., None], None)
    assert (units.offset[0], units.scale[0]) == (500, pytest.approx(400 / 255))


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1.0, 5.0), (1e6, -3e6)])
def test_floating_point_pictures_may_have_any_range_and_gaps(scale, shift):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (50, 60))
    pixels = (truth + rng.normal(0, 0.05, truth.shape)) * scale + shift
    pixels[3, 4], pixels[5, 6], pixels[7, 8] = np.nan, np.inf, -np.inf
    result = segment(pixels.astype(np.float32), Recipe(n_clusters=2))
    gaps = ~np.isfinite(pixels)
    assert (result.labels[gaps] == 255).all()
    np.testing.assert_array_equal(result.labels[~gaps], truth[~gaps])
    assert result.valid_pixels == 50 * 60 - 3


def test_many_bands_equal_ones_and_dependent_ones_are_taken():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (40, 50))
    band = (np.array([50, 120, 220])[truth] + rng.normal(0, 6, truth.shape)).round().clip(0, 255).astype(np.uint8)
    equal = np.repeat(band[..., None], 16, axis=2)
    for covariance in ("full", "tied", "diag", "spherical"):
        result = segment(equal, Recipe(n_clusters=3, covariance=covariance))
        np.testing.assert_array_equal(result.labels, truth)
    dependent = np.stack([band, 255 - band, band // 2, band, np.full_like(band, 9)], axis=2)
    np.testing.assert_array_equal(segment(dependent, Recipe(n_clusters=3)).labels, truth)


def test_texture_is_the_standard_deviation_about_the_local_mean():
    rng = np.random.default_rng(0)
    noise = rng.normal(50, 4, (200, 200)).astype(np.float32)
    assert roughness(noise, 5.0)[50:150, 50:150].mean() == pytest.approx(4, rel=0.05)
    light = rng.uniform(0, 100, (41, 50)).astype(np.float32)
    for scale, sides in WINDOWS.items():
        flat = light - boxes(light, sides)
        np.testing.assert_allclose(roughness(light, scale), np.sqrt(boxes(flat**2, sides)), atol=1e-3)
        assert sum((side**2 - 1) / 12 for side in sides) == pytest.approx(scale**2, rel=0.02)
    assert (roughness(np.full((9, 9), 99, np.float32), 2.0) == 0).all()


def boxes(plane, sides):
    for side in sides:
        plane = uniform_filter(plane.astype(float), side, mode="reflect")
    return plane


def test_texture_separates_areas_of_equal_colour():
    rng = np.random.default_rng(0)
    pixels = np.full((120, 120, 3), 120.0)
    pixels[:, 60:] += rng.normal(0, 30, (120, 60, 1))
    pixels = pixels.round().clip(0, 255).astype(np.uint8)
    result = segment(pixels, Recipe(n_clusters=2, features="gray", texture=1))
    halves = result.labels[:, :50], result.labels[:, 70:]
    major = [np.bincount(half.ravel(), minlength=2).argmax() for half in halves]
    assert major[0] != major[1]
    assert all((half == number).mean() > 0.9 for half, number in zip(halves, major, strict=True))


def test_position_separates_areas_of_equal_colour():
    pixels = np.full((60, 120, 3), 200, np.uint8)
    pixels[20:40, 10:30] = pixels[20:40, 90:110] = 30
    result = segment(pixels, Recipe(n_clusters=3, position=True))
    assert result.labels[30, 20] != result.labels[30, 100]
    assert result.mixture.means.shape == (3, 5)


@pytest.mark.parametrize(
    ("shape", "features", "words"),
    [
        ((4, 5, 17), "rgb", "17 bands"),
        ((4, 5, 4), "lab", "red, green and blue"),
        ((4, 5), "lab", "grey"),
    ],
)
def test_a_colour_space_that_the_picture_does_not_have_is_refused_with_advice(shape, features, words):
    with pytest.raises(SegmentationError, match=words) as refused:
        segment(np.zeros(shape, np.uint8), Recipe(features=features))
    assert refused.value.code == "invalid_request"


def test_a_picture_without_a_finite_value_is_empty():
    with pytest.raises(SegmentationError) as refused:
        segment(np.full((3, 4), np.nan), Recipe())
    assert refused.value.code == "empty"


def test_a_starting_mixture_must_suit_the_picture(china):
    begin = segment(china[::4, ::4], Recipe(features="gray")).mixture
    with pytest.raises(SegmentationError, match="has 1 features per pixel, but this picture has 3"):
        segment(china, Recipe(), start=begin)


@st.composite
def pictures(draw):
    """Arrays of every kind, with what makes trouble: spikes, equal and dependent bands, gaps, few values."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 2, 3, 4, 5, 16])))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64]))
    whole = {np.uint8: 255, np.uint16: 65535, np.int16: -32768, np.int32: draw(st.sampled_from([9, 2**31 - 1]))}
    top = whole.get(dtype, draw(st.sampled_from([1e-20, 1.0, 1e15])))
    kind = draw(st.sampled_from(["noise", "spikes", "constant", "two", "equal bands", "dependent", "gaps"]))
    pixels = rng.random(shape) * top
    if kind == "spikes":
        pixels[rng.random(shape[:2]) < 0.6] = 0
        pixels[rng.random(shape[:2]) < 0.3] = top
    elif kind == "constant":
        pixels[:] = top
    elif kind == "two":
        pixels = np.where(rng.random((*shape[:2], 1)) < 0.5, 0.0, top) * np.ones(shape)
    elif kind == "equal bands":
        pixels[:] = pixels[..., :1]
    elif kind == "dependent":
        pixels = pixels[..., :1] * np.linspace(0, 1, shape[2])
    elif kind == "gaps" and np.issubdtype(dtype, np.floating):
        pixels[rng.random(shape) < 0.3] = rng.choice([np.nan, np.inf, -np.inf])
    return pixels.astype(dtype)


recipes = st.builds(
    Recipe,
    n_clusters=st.sampled_from([None, 2, 3, 7, 32]),
    features=st.sampled_from(["rgb", "od"]),
    texture=st.integers(0, 2),
    position=st.booleans(),
    covariance=st.sampled_from(["full", "tied", "diag", "spherical"]),
    smoothness=st.sampled_from([0.0, 0.0, 0.3, 1.0]),
    smallest_region=st.sampled_from([0.0, 0.0, 0.1]),
    exact=st.booleans(),
    max_iterations=st.integers(1, 40),
    restarts=st.integers(1, 2),
)


@given(pixels=pictures(), recipe=recipes)
@settings(max_examples=150, deadline=None)
def test_every_picture_has_a_valid_result_or_a_typed_error(pixels, recipe):
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            result = segment(pixels, recipe)
    except SegmentationError as refused:
        assert refused.code in {"empty", "invalid_request"}  # noqa: PT017 - either is right
        return
    gaps = ~np.isfinite(pixels.astype(float)).all(axis=2)
    assert (result.labels[gaps] == 255).all()
    assert (result.labels[~gaps] < result.mixture.n_components).all()
    assert np.isfinite([result.log_likelihood, *result.history]).all()
    assert (np.linalg.eigvalsh(result.mixture.covariances) > 0).all()
    assert sum(component.pixels for component in result.components) == (~gaps).sum() == result.valid_pixels
    if not (recipe.smoothness or recipe.smallest_region):
        values = extract_features(pixels, ~gaps, recipe, units=result.units).values
        np.testing.assert_array_equal(result.mixture.predict(values)[~gaps], result.labels[~gaps])
