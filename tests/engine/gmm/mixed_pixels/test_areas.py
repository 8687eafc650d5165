"""Areas by coverage of pictures whose areas are known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmarks.phantoms import Spec, make
from segmentation.engine.gmm import Coverage, Recipe, segment
from segmentation.engine.gmm.mixed_pixels.hints import hints

AREAS = {"preset": "areas"}


def shares(result):
    return np.array([area.share for area in result.coverage.components()])


def stained_discs():
    """Discs of radius 6 with soft borders on a bright ground; 10.0 % of the picture."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:512, :512]
    mask = np.zeros((512, 512), bool)
    while mask.mean() < 0.10:
        row, column = rng.integers(6, 506, 2)
        mask |= (y - row) ** 2 + (x - column) ** 2 <= 36
    cover = gaussian_filter(mask.astype(float), 1.0)[..., None]
    picture = cover * np.array([150, 90, 60]) + (1 - cover) * np.array([240, 235, 238])
    noisy = picture + rng.normal(0, 7, picture.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8), mask.mean()


def three_phases():
    """Phases of 60, 30 and 10 %, at 60, 120 and 190, slightly blurred."""
    rng = np.random.default_rng(0)
    field = gaussian_filter(rng.normal(size=(256, 256)), 12.0)
    phase = np.digitize(field, np.quantile(field, [0.6, 0.9]))
    picture = gaussian_filter(np.array([60, 120, 190])[phase] + rng.normal(0, 6, phase.shape), 1.2)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("clusters", [2, "auto"])
def test_stained_discs_cover_what_they_cover(clusters):
    pixels, true = stained_discs()
    result = segment(pixels, Recipe(**AREAS, n_clusters=clusters))
    assert result.mixture.n_components == 2
    area = result.coverage.components()[0]
    assert area.share == pytest.approx(true, abs=0.002)
    assert area.low <= true <= area.high
    assert result.components[0].pixels / result.labels.size == pytest.approx(true, abs=0.004)


def test_full_covariances_measure_them_wrong():
    """The reason for the preset: with covariances of their own, the discs take all borders."""
    pixels, true = stained_discs()
    result = segment(pixels, Recipe(n_clusters=2))
    assert result.components[0].pixels / result.labels.size > true + 0.03
    assert result.coverage is None


@pytest.mark.parametrize("clusters", [3, "auto"])
def test_three_phases_have_their_areas(clusters):
    result = segment(three_phases(), Recipe(**AREAS, n_clusters=clusters))
    assert result.mixture.n_components == 3
    by_labels = np.array([component.pixels for component in result.components]) / result.labels.size
    np.testing.assert_allclose(by_labels, [0.6, 0.3, 0.1], atol=0.01)
    np.testing.assert_allclose(shares(result), [0.6, 0.3, 0.1], atol=0.01)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("colour", ["grey", "rgb", "bands"])
def test_resolved_structures_are_measured_within_a_point(seed, colour):
    spec = Spec(seed=seed, shape="discs", areas=(0.8, 0.2), size=14.0, blur=1.0, noise=0.1, colour=colour)
    drawn = make(spec)
    result = segment(drawn.pixels, Recipe(**AREAS, n_clusters=2))
    found = np.sort(shares(result))
    np.testing.assert_allclose(found, np.sort(drawn.areas), atol=0.01)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ranges_of_three_phases_hold_the_truth_and_are_narrow(seed):
    """The two ways to share borders are compared phase by phase, whichever start was the better one."""
    result = segment(three_phases(), Recipe(**AREAS, n_clusters=3, seed=seed))
    for area, truth in zip(result.coverage.clusters([(0,), (1,), (2,)]), (0.6, 0.3, 0.1), strict=True):
        assert area.low < truth < area.high
        assert area.high - area.low < 0.1


def test_shares_add_to_one_and_ranges_hold_them():
    result = segment(three_phases(), Recipe(**AREAS, n_clusters=4))
    areas = result.coverage.components()
    assert sum(area.share for area in areas) == pytest.approx(1)
    assert result.coverage.pure.sum() + result.coverage.mixed == pytest.approx(1)
    assert all(0 <= area.low <= area.share <= area.high <= 1 for area in areas)


def test_merging_clusters_adds_their_shares_and_leaves_out_what_is_mixed_between_them():
    coverage = segment(three_phases(), Recipe(**AREAS, n_clusters=3)).coverage
    one, two, three = coverage.components()
    both, rest = coverage.clusters([(0, 1), (2,)])
    assert both.share == pytest.approx(one.share + two.share)
    assert (rest.share, rest.low, rest.high) == (three.share, three.low, three.high)
    assert both.mixed <= rest.mixed + 1e-12
    (everything,) = coverage.clusters([(0, 1, 2)])
    assert everything.share == pytest.approx(1)
    assert everything.mixed == 0
    assert everything.high - everything.low < 0.005


@pytest.mark.parametrize("more", [{"smoothness": 0.5}, {"smallest_region": 0.001}])
def test_smoothing_and_cleaning_change_labels_only(more):
    pixels = make(Spec(seed=2, areas=(0.8, 0.2), size=9.0, noise=0.3, side=200)).pixels
    plain, changed = (segment(pixels, Recipe(**AREAS, n_clusters=2, **options)) for options in ({}, more))
    assert plain.labels.tobytes() != changed.labels.tobytes()
    np.testing.assert_allclose(shares(changed), shares(plain), atol=0.01)


def test_a_mask_leaves_out_pixels_and_no_more():
    pixels, _ = stained_discs()
    valid = np.zeros(pixels.shape[:2], bool)
    valid[:, :256] = True
    spoilt = pixels.copy()
    spoilt[:, 256:] = (30, 200, 30)
    masked = segment(spoilt, Recipe(**AREAS, n_clusters=2), valid=valid)
    alone = segment(np.ascontiguousarray(pixels[:, :256]), Recipe(**AREAS, n_clusters=2))
    np.testing.assert_allclose(shares(masked), shares(alone), atol=0.002)


def test_a_fit_can_begin_at_a_mixture():
    pixels, true = stained_discs()
    start = segment(pixels, Recipe(n_clusters=2)).mixture
    result = segment(pixels, Recipe(**AREAS, n_clusters=2), start=start)
    assert shares(result)[0] == pytest.approx(true, abs=0.003)


def test_exact_areas_are_those_of_all_pixels():
    pixels, true = stained_discs()
    exact = segment(np.tile(pixels, (1, 2, 1)), Recipe(**AREAS, n_clusters=2, exact=True))
    assert exact.fitted_pixels == 2 * 512 * 512
    assert shares(exact)[0] == pytest.approx(true, abs=0.002)
    np.testing.assert_allclose(
        exact.coverage.by_labels, [one.pixels / exact.labels.size for one in exact.components], atol=1e-9
    )


@pytest.mark.parametrize("features", ["lab", "od", "gray"])
def test_colour_spaces_measure_the_same_areas(features):
    pixels, true = stained_discs()
    result = segment(pixels, Recipe(**AREAS, n_clusters=2, features=features))
    areas = result.coverage.components()
    stain = min(areas, key=lambda area: area.share)
    assert stain.share == pytest.approx(true, abs=0.006)


def test_texture_and_position_have_no_mixed_pixels_but_areas():
    pixels, _ = stained_discs()
    result = segment(pixels[:200, :200], Recipe(**AREAS, n_clusters=2, texture=1, position=True))
    assert result.mixed_pixels.n_pairs == 0
    assert sum(shares(result)) == pytest.approx(1)


@pytest.mark.parametrize(
    "pixels", [np.full((7, 9, 3), 50, np.uint8), np.zeros((1, 1, 3), np.uint8), np.eye(5, dtype=np.uint8)]
)
def test_tiny_and_flat_pictures_have_areas(pixels):
    result = segment(pixels, Recipe(**AREAS, n_clusters=3))
    assert sum(shares(result)) == pytest.approx(1)


def test_one_wild_pixel_is_no_phase_and_takes_no_area():
    ratio = np.where(np.arange(128) < 64, 0.2, 0.6) + np.random.default_rng(1).normal(0, 0.02, (128, 128))
    ratio[5, 5] = 1e6
    for clusters, expected in ((2, [0.5, 0.5]), (3, [0.0, 0.5, 0.5])):
        result = segment(ratio.astype(np.float32), Recipe(**AREAS, n_clusters=clusters))
        np.testing.assert_allclose(np.sort(shares(result)), expected, atol=0.001)


def test_the_same_picture_gives_the_same_bytes():
    pixels = three_phases()
    first, second = (segment(given, Recipe(**AREAS, n_clusters=3)) for given in (pixels, np.asfortranarray(pixels)))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.coverage.to_mapping() == second.coverage.to_mapping()


def test_coverage_survives_json():
    coverage = segment(three_phases(), Recipe(**AREAS, n_clusters=3)).coverage
    assert Coverage.from_mapping(coverage.to_mapping()).components() == coverage.components()


def test_people_are_told_that_borders_are_shared():
    pixels, _ = stained_discs()
    result = segment(pixels, Recipe(**AREAS, n_clusters=2))
    told = hints(result.coverage, result.gain, [(0,), (1,)])
    assert told[0].code == "borders_shared"
    assert 0.05 < told[0].values["mixed"] < 0.2
    assert "more_border_than_inside" in {hint.code for hint in told if hint.cluster == 0}
    assert "looks_like_photograph" not in {hint.code for hint in told}


def test_people_are_told_that_a_picture_of_colours_looks_like_few_materials(china):
    pixels, _ = stained_discs()
    discs, photograph = segment(pixels, Recipe(n_clusters=2)), segment(china, Recipe(n_clusters=5))
    assert [hint.code for hint in hints(None, discs.gain, [(0,), (1,)])] == ["looks_like_materials"]
    assert hints(None, photograph.gain, [(k,) for k in range(5)]) == ()


def test_people_are_told_that_a_picture_looks_like_a_photograph(china):
    result = segment(china, Recipe(**AREAS, n_clusters=5))
    assert "looks_like_photograph" in {
        hint.code for hint in hints(result.coverage, result.gain, [(k,) for k in range(5)])
    }
