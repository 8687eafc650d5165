import numpy as np
import pytest

from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm import Component, Mixture, Recipe, segment
from segmentation.engine.gmm.labels.labelling import label_values
from segmentation.engine.gmm.pixels.sources import EightBit
from segmentation.engine.gmm.statistics.components import component_statistics, sample_statistics
from segmentation.engine.progress import Stage, percent


def spikes():
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 200, (40, 50, 3), dtype=np.uint8)
    pixels[:15], pixels[30:] = 255, 0
    return pixels


def grey():
    ramp = np.random.default_rng(1).integers(0, 256, (30, 40), dtype=np.uint8)
    return np.repeat(ramp[:, :, None], 3, axis=2)


def dependent():
    red = np.random.default_rng(2).integers(0, 128, (30, 40), dtype=np.uint8)
    return np.stack([red, 2 * red, 255 - red], axis=2)


def two_colours():
    pixels = np.full((9, 7, 3), (10, 20, 30), np.uint8)
    pixels[3:5, 2:6] = (200, 100, 50)
    return pixels


def one_rare_pixel():
    pixels = np.full((300, 500, 3), 17, np.uint8)
    pixels[123, 456] = (250, 0, 0)
    return pixels


ODD = {
    "constant": (np.full((20, 30, 3), 77, np.uint8), 1),
    "black": (np.zeros((5, 5, 3), np.uint8), 1),
    "white": (np.full((5, 5, 3), 255, np.uint8), 1),
    "two colours": (two_colours(), 2),
    "neighbouring values": (np.array([[[7, 7, 7], [7, 7, 8]]], np.uint8), 2),
    "one rare pixel": (one_rare_pixel(), 2),
    "1 x 1": (np.array([[[1, 2, 3]]], np.uint8), 1),
    "1 x N": (np.random.default_rng(3).integers(0, 256, (1, 500, 3), dtype=np.uint8), 5),
    "N x 1": (np.random.default_rng(4).integers(0, 256, (500, 1, 3), dtype=np.uint8), 5),
    "spikes at both ends": (spikes(), 5),
    "grey as RGB": (grey(), 5),
    "linearly dependent bands": (dependent(), 5),
    "noise": (np.random.default_rng(5).integers(0, 256, (90, 90, 3), dtype=np.uint8), 5),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_have_ordinary_results(name):
    pixels, n_components = ODD[name]
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        result = segment(pixels, Recipe(n_clusters=5))
    assert result.labels.shape == pixels.shape[:2]
    assert result.labels.dtype == np.uint8
    assert result.mixture.n_components == n_components
    assert np.isfinite([result.log_likelihood, *result.history]).all()
    assert sum(component.pixels for component in result.components) == result.labels.size
    assert sum(component.soft_pixels for component in result.components) == pytest.approx(result.labels.size)


def test_two_colours_are_separated_exactly():
    result = segment(two_colours(), Recipe(n_clusters=2))
    np.testing.assert_array_equal(result.labels, (two_colours()[:, :, 0] == 200).astype(np.uint8))
    assert [component.colour for component in result.components] == ["#0a141e", "#c86432"]


def test_a_single_rare_pixel_gets_its_own_component():
    result = segment(one_rare_pixel(), Recipe(n_clusters=3))
    assert sorted(component.pixels for component in result.components) == [1, 149_999]


def test_a_known_mixture_is_recovered(three_inks):
    pixels, weights, means, covariances = three_inks()
    mixture = segment(pixels, Recipe(n_clusters=3)).mixture
    np.testing.assert_allclose(mixture.weights, weights, atol=0.005)
    np.testing.assert_allclose(mixture.means, means, atol=0.2)
    np.testing.assert_allclose(mixture.covariances, covariances + np.eye(3) / 6, atol=1.5)  # rounding, and the floor


@pytest.mark.parametrize("seed", [1, 2, 2**32 - 1])
def test_another_seed_finds_the_same_well_separated_mixture(three_inks, seed):
    pixels, *_ = three_inks(shape=(120, 120))
    assert (segment(pixels, Recipe(seed=seed)).labels == segment(pixels, Recipe()).labels).mean() > 0.999


def test_components_come_by_ascending_luminance(china):
    result = segment(china, Recipe(n_clusters=9))
    luminance = result.mixture.means @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_of_equally_bright_components_the_heavier_comes_first():
    mixture = Mixture(
        [0.2, 0.5, 0.3], [[90.0] * 3, [90.0] * 3, [10.0] * 3], np.stack([np.eye(3) * n for n in (1, 2, 3)])
    )
    assert mixture.ordered().weights.tolist() == [0.3, 0.5, 0.2]
    assert mixture.ordered().covariances[:, 0, 0].tolist() == [3, 2, 1]


def test_the_same_call_gives_the_same_result(china):
    first, second = (segment(china, Recipe(n_clusters=4, seed=7)) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.mixture.to_json() == second.mixture.to_json()
    assert first.history.tobytes() == second.history.tobytes()
    assert first.components == second.components


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda pixels: pixels[::-1, ::-1].copy()[::-1, ::-1],
        lambda pixels: pixels[:, :, ::-1].copy()[:, :, ::-1],
        lambda pixels: np.repeat(pixels, 2, axis=1)[:, ::2],
        lambda pixels: np.dstack([pixels, pixels])[:, :, :3],
        lambda pixels: np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape),
    ],
    ids=["Fortran", "negative strides", "reversed bands", "gaps", "part of more bands", "read-only"],
)
def test_the_memory_layout_does_not_matter(china, layout):
    pixels = china[:100, :150]
    arranged = layout(pixels)
    np.testing.assert_array_equal(arranged, pixels)
    here, there = segment(np.ascontiguousarray(pixels), Recipe()), segment(arranged, Recipe())
    assert here.labels.tobytes() == there.labels.tobytes()
    assert here.mixture.to_json() == there.mixture.to_json()


def test_the_input_is_left_alone(china):
    before = china.tobytes()
    segment(china, Recipe(), valid=np.ones(china.shape[:2], bool))
    assert china.tobytes() == before


def test_masked_pixels_are_ignored(three_inks):
    pixels, *_ = three_inks(shape=(60, 80))
    valid = np.ones((60, 80), bool)
    valid[20:40, 30:60] = False
    repainted = pixels.copy()
    repainted[~valid] = np.random.default_rng(0).integers(0, 256, (600, 3))
    here, there = segment(pixels, Recipe(), valid=valid), segment(repainted, Recipe(), valid=np.asfortranarray(valid))
    assert here.labels.tobytes() == there.labels.tobytes()
    assert (here.labels[20:40, 30:60] == 255).all()
    assert here.components == there.components
    assert here.valid_pixels == 60 * 80 - 600
    assert sum(component.border_pixels for component in here.components) == 2 * (60 + 80) - 4


@pytest.mark.parametrize(
    ("pixels", "valid"),
    [
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), bool)),
        (np.zeros((0, 5, 3), np.uint8), None),
    ],
)
def test_a_picture_without_pixels_is_refused(pixels, valid):
    with pytest.raises(SegmentationError) as caught:
        segment(pixels, Recipe(), valid=valid)
    assert caught.value.code == "empty"


@pytest.mark.parametrize(
    ("pixels", "valid", "error"),
    [
        (np.zeros((4, 5, 3), np.complex64), None, TypeError),
        (np.zeros((4, 5, 3), bool), None, TypeError),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8), TypeError),
        (np.zeros(5, np.uint8), None, ValueError),
        (np.zeros((4, 5, 3, 1), np.uint8), None, ValueError),
        (np.zeros((4, 5, 3), np.uint8), np.ones((5, 4), bool), ValueError),
    ],
)
def test_arrays_of_other_kinds_are_a_bug_of_the_caller(pixels, valid, error):
    with pytest.raises(error):
        segment(pixels, Recipe(), valid=valid)


def test_progress_runs_through_the_stages_and_never_falls(china):
    heard = []
    result = segment(china, Recipe(n_clusters=8), on_progress=lambda stage, fraction: heard.append((stage, fraction)))
    stages = list(dict.fromkeys(stage for stage, _ in heard))
    assert stages == [Stage.COUNTING, Stage.FITTING, Stage.LABELLING] == [Stage(name) for name in result.seconds]
    for stage in stages:
        fractions = [fraction for other, fraction in heard if other == stage]
        assert fractions == sorted(fractions)
        assert fractions[0] == 0
        assert fractions[-1] == pytest.approx(1)
    percents = [percent(*one) for one in heard]
    assert percents == sorted(percents)
    assert sum(stage == Stage.FITTING for stage, _ in heard) >= result.iterations
    assert all(seconds > 0 for seconds in result.seconds.values())


def test_an_exception_of_the_callback_ends_the_computation_at_once(china):
    class Cancelled(Exception):
        pass

    heard = []

    def cancel(stage, fraction):
        heard.append(stage)
        if stage == Stage.FITTING and fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        segment(china, Recipe(n_clusters=8), on_progress=cancel)
    assert Stage.LABELLING not in heard


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (700, 800, 3), dtype=np.uint8)


def test_an_exact_fit_uses_all_pixels(noise):
    result = segment(noise, Recipe(n_clusters=4, exact=True, max_iterations=20))
    assert result.distinct_colours == len(np.unique(noise.reshape(-1, 3) @ np.array([1, 256, 65536]))) > 2**17
    assert result.fitted_pixels == result.valid_pixels == noise[:, :, 0].size
    assert sum(component.sum[0] for component in result.components) == noise[:, :, 0].sum(dtype=int)
    assert sum(component.products[4] for component in result.components) == int(
        (noise[:, :, 1].astype(int) * noise[:, :, 2]).sum()
    )
    np.testing.assert_array_equal(result.labels, result.mixture.predict(noise))
    assert result.log_likelihood == pytest.approx(result.mixture.log_density(noise).mean(), abs=1e-6)


def test_of_a_large_picture_areas_are_exact_and_sums_near(noise):
    result = segment(noise, Recipe(n_clusters=4))
    assert result.fitted_pixels == 2**17
    np.testing.assert_array_equal(result.labels, result.mixture.predict(noise))
    for number, component in enumerate(result.components):
        own = noise[result.labels == number]
        assert component.pixels == len(own)
        np.testing.assert_allclose(component.mean, own.mean(axis=0), atol=2)
    assert sum(component.soft_pixels for component in result.components) == pytest.approx(noise[:, :, 0].size)


def test_a_component_that_is_not_in_the_sample_has_exact_statistics():
    pixels = np.full((6, 3), 30, np.uint8)
    pixels[3:5], pixels[5] = 200, 255
    mixture = Mixture([0.4, 0.4, 0.2], [[30.0] * 3, [200.0] * 3, [255.0] * 3], [np.eye(3)] * 3)
    sample = EightBit(pixels[None, :5], None).sample(5, np.random.default_rng(0))
    label_map = label_values(pixels, None, mixture)
    asked = []

    def colours_of_component(number):
        asked.append(number)
        return pixels[label_map.labels == number]

    measured = component_statistics(
        sample_statistics(mixture, sample), label_map, np.zeros(3, int), [None] * 3, colours_of_component
    )
    assert [component.pixels for component in measured] == [3, 2, 1]
    assert measured[2].mean == (255, 255, 255)
    assert asked == [2]


def test_a_fit_can_start_from_a_mixture_and_be_replayed(china):
    first = segment(china, Recipe(n_clusters=4))
    again = segment(china, Recipe(n_clusters=4), start=first.mixture)
    assert again.iterations < first.iterations
    assert again.log_likelihood >= first.log_likelihood - 1e-6
    assert first.path.shape == (first.iterations, 4, 10)
    last = first.mixture_after(first.iterations - 1)
    np.testing.assert_allclose(last.means, first.mixture.means, atol=0.5)
    np.testing.assert_allclose(last.weights, first.mixture.weights, atol=0.01)
    np.testing.assert_allclose(first.mixture_after(0).weights.sum(), 1)


def test_a_component_says_its_mean_and_colour_and_survives_json():
    one = Component(
        pixels=2, soft_pixels=1.7, border_pixels=1, sum=(300.0, 3.0, 509.0), products=(1.0, 2, 3, 4, 5, 6.5)
    )
    other = Component(pixels=1, soft_pixels=0.1, border_pixels=0, sum=(0.0, 0.0, 1.0), products=(1.0, 1, 1, 1, 1, 1))
    assert one.mean == (150.0, 1.5, 254.5)
    assert one.colour == "#9602fe"
    assert Component.from_mapping(one.to_mapping()) == one
    assert (one + other).pixels == 3
    assert (one + other).soft_pixels == pytest.approx(1.8)
    assert (one + other).sum == (300.0, 3.0, 510.0)
    assert (one + other).products == (2.0, 3, 4, 5, 6, 7.5)


def test_a_component_without_pixels_is_black():
    empty = Component(pixels=0, soft_pixels=0.3, border_pixels=0, sum=(0.0,) * 3, products=(0.0,) * 6)
    assert empty.colour == "#000000"
