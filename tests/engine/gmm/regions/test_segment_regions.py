import os
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm.regions import segment_regions
from segmentation.engine.progress import Stage

DIGEST = """
import hashlib
from sklearn.datasets import load_sample_image
from segmentation.engine.gmm.regions import segment_regions
result = segment_regions(load_sample_image("china.jpg"))
parts = result.labels, result.mixture.means, result.mixture.covariances, result.tree.merges, result.tree.costs
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


def same(one, other):
    return (
        one.labels.tobytes() == other.labels.tobytes()
        and one.mixture.to_json() == other.mixture.to_json()
        and one.tree.costs.tobytes() == other.tree.costs.tobytes()
    )


def wrong_share(labels, truth):
    """Pixels outside the segment that shares most with their true one."""
    table = np.zeros((int(truth.max()) + 1, 256))
    np.add.at(table, (truth.ravel().astype(int), labels.ravel()), 1)
    return 1 - table.max(axis=1).sum() / truth.size


def test_blocks_of_colours_are_found():
    rng = np.random.default_rng(0)
    truth = np.kron(np.arange(6).reshape(2, 3), np.ones((80, 80), int))
    colours = np.array([[60, 60, 60], [200, 60, 60], [60, 160, 60], [60, 90, 200], [190, 190, 70], [220, 220, 220]])
    pixels = np.clip(colours[truth] + rng.normal(0, 12, (160, 240, 3)), 0, 255).astype(np.uint8)
    by_itself, result = segment_regions(pixels), segment_regions(pixels, n_regions=6)
    assert 6 <= by_itself.n_regions <= 8  # the mixed colours along a sharp border may come out as a strip
    assert wrong_share(by_itself.labels, truth) < 0.03
    assert wrong_share(result.labels, truth) < 0.005
    lightness = result.mixture.means[:, 0]
    assert (np.diff(lightness) > 0).all()
    np.testing.assert_allclose(result.mixture.weights, np.bincount(result.labels.ravel()) / pixels[..., 0].size)


def test_two_textures_of_one_mean_colour_are_found():
    rng = np.random.default_rng(1)
    y, x = np.indices((200, 300))
    truth = (x > 150).astype(int)
    fine = 40 * ((x // 3 + y // 3) % 2)
    smooth = np.full((200, 300), 20)
    grey = np.where(truth, fine, smooth) + 90 + rng.normal(0, 3, (200, 300))
    result = segment_regions(np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))
    assert result.n_regions == 2
    assert wrong_share(result.labels, truth) < 0.02


@pytest.mark.parametrize(("height", "width", "noise"), [(321, 481, 10), (1000, 1500, 10), (3000, 4000, 20)])
def test_borders_lie_where_the_shape_ends(flower, height, width, noise):
    pixels, inside = flower(height, width, noise)
    result = segment_regions(pixels)
    assert result.n_regions == 2
    found = result.labels == result.labels[height // 2, width // 2]
    # The area between two curves over their length is their mean distance; pixel edges overstate a length by 4 / pi.
    edges = (inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()
    assert (found != inside).sum() / (edges * np.pi / 4) <= 1


def test_a_wanted_number_of_regions_is_given(china):
    for n_regions in (1, 2, 12, 254):
        result = segment_regions(china, n_regions=n_regions)
        assert result.n_regions == n_regions
        assert sorted(np.unique(result.labels)) == list(range(n_regions))
    assert segment_regions(china, n_regions=10_000).n_regions == 254


def test_the_tree_gives_what_asking_again_gives(china):
    pixels = china[::3, ::3]
    one, other = segment_regions(pixels), segment_regions(pixels, n_regions=5)
    pairs = np.stack([one.tree.cut(5)[one.leaves].ravel(), other.regions[other.leaves].ravel()])
    assert np.unique(pairs, axis=1).shape[1] == 5
    assert (one.regions[one.leaves] == one.labels).mean() > 0.95  # but for the refinement of borders
    assert other.cost == other.tree.cost_at(5)
    assert one.tree.n_regions_at(one.cost) == one.n_regions


def test_the_same_bytes_in_any_memory_layout_and_again(china):
    pixels = np.ascontiguousarray(china[:200, :300])
    result = segment_regions(pixels)
    assert same(result, segment_regions(pixels))
    assert same(result, segment_regions(np.asfortranarray(pixels)))
    assert same(result, segment_regions(china[:200, :300]))
    assert same(result, segment_regions(np.ascontiguousarray(pixels[::-1, :, ::-1])[::-1, :, ::-1]))
    assert same(result, segment_regions(pixels, valid=np.ones((200, 300), bool)))


def test_the_same_bytes_with_any_number_of_threads():
    digests = set()
    for threads in ("1", "2", "4"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def test_what_is_masked_has_no_influence(china):
    pixels = china[::2, ::2].copy()
    valid = np.ones(pixels.shape[:2], bool)
    valid[50:120, 80:200] = valid[:, 300:] = False
    result = segment_regions(pixels, valid=valid)
    pixels[~valid] = np.random.default_rng(0).integers(0, 256, (np.count_nonzero(~valid), 3))
    assert same(result, segment_regions(pixels, valid=valid))
    assert (result.labels[~valid] == 255).all()
    assert (result.labels[valid] < result.n_regions).all()


@pytest.mark.parametrize("shape", [(400, 600), (1100, 900)])
def test_what_is_masked_has_no_influence_on_large_pictures_either(flower, shape):
    pixels, inside = flower(*shape)
    valid = np.ones(shape, bool)
    valid[:, shape[1] // 2 - 5 : shape[1] // 2 + 5] = False
    pixels[~valid] = 255
    result = segment_regions(pixels, valid=valid)
    assert wrong_share(result.labels[valid], inside[valid]) < 0.01
    assert result.n_regions == 2


def test_grey_pictures_with_scattered_holes_are_segmented_without_a_warning(flower):
    pixels, inside = flower(320, 480)
    valid = np.random.default_rng(0).random(inside.shape) < 0.6
    valid[:40] = False
    with np.errstate(all="raise"):
        result = segment_regions(np.repeat(pixels[..., :1], 3, axis=2), valid=valid)
    assert np.isfinite(result.tree.costs).all()
    assert result.n_regions == 2
    assert wrong_share(result.labels[valid], inside[valid]) < 0.01


def test_one_valid_pixel_in_the_last_corner_of_a_large_picture_is_enough():
    pixels = np.random.default_rng(0).integers(0, 256, (901, 1201, 3), dtype=np.uint8)
    valid = np.zeros((901, 1201), bool)
    valid[-1, -1] = True
    result = segment_regions(pixels, valid=valid)
    assert result.labels[-1, -1] == 0
    assert np.count_nonzero(result.labels != 255) == 1


def test_islands_of_data_that_touch_nowhere_are_segmented():
    pixels = np.full((90, 90, 3), 128, np.uint8)
    valid = np.zeros((90, 90), bool)
    for top, colour in ((5, (200, 30, 30)), (35, (30, 200, 30)), (65, (200, 30, 30))):
        valid[top : top + 15, 10:80] = True
        pixels[top : top + 15, 10:80] = colour
    result = segment_regions(pixels, valid=valid)
    assert result.n_regions == 3
    assert len(np.unique(result.labels[valid])) == 3
    assert segment_regions(pixels, valid=valid, n_regions=1).n_regions == 1


pictures = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3)),
    elements=st.sampled_from([0, 1, 127, 128, 254, 255]),
    fill=st.sampled_from([0, 100, 255]),
)


@given(pixels=pictures, n_regions=st.none() | st.integers(1, 300), data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_picture_is_segmented_without_a_warning(pixels, n_regions, data):
    valid = data.draw(st.none() | hnp.arrays(np.bool_, pixels.shape[:2]))
    if valid is not None:
        valid.ravel()[0] = True
    with np.errstate(all="raise"):
        result = segment_regions(pixels, n_regions=n_regions, valid=valid)
    shown = result.labels if valid is None else result.labels[valid]
    assert sorted(np.unique(shown)) == list(range(result.n_regions))
    assert valid is None or (result.labels[~valid] == 255).all()
    assert n_regions is None or result.n_regions <= n_regions


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((500, 700, 3), 9, np.uint8),
        np.full((1, 400_000, 3), 9, np.uint8),
        np.random.default_rng(0).integers(0, 256, (700, 500, 3), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, (300_000, 1, 3), dtype=np.uint8),
        np.repeat(np.random.default_rng(0).integers(0, 2, (450, 450, 1), dtype=np.uint8) * np.uint8(255), 3, axis=2),
    ],
    ids=["constant", "constant line", "noise", "noisy column", "black and white"],
)
def test_large_degenerate_pictures_are_segmented_without_a_warning(pixels):
    with np.errstate(all="raise"):
        result = segment_regions(pixels)
    assert result.labels.shape == pixels.shape[:2]
    assert result.labels.max() < result.n_regions <= 254
    assert result.mixture.weights.sum() == pytest.approx(1)


def test_a_large_picture_takes_little_longer_than_a_small_one(flower):
    pixels, _ = flower(3000, 4000)
    begun = time.perf_counter()
    segment_regions(np.ascontiguousarray(pixels[::9, ::9]))
    between = time.perf_counter()
    segment_regions(pixels)
    assert time.perf_counter() - between < 6 * (between - begun)


def test_progress_goes_forward_to_the_end(china):
    told = []
    segment_regions(china, on_progress=lambda stage, fraction: told.append((list(Stage).index(stage), fraction)))
    assert told == sorted(told)
    assert told[-1] == (list(Stage).index(Stage.LABELLING), 1.0)
    assert len(told) > 10


def test_a_picture_without_valid_pixels_is_refused():
    for pixels, valid in [
        (np.zeros((0, 3, 3), np.uint8), None),
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), bool)),
    ]:
        with pytest.raises(SegmentationError, match="no visible pixels"):
            segment_regions(pixels, valid=valid)


def test_other_arrays_are_refused():
    with pytest.raises(TypeError, match="uint8"):
        segment_regions(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="shape"):
        segment_regions(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="at least 1"):
        segment_regions(np.zeros((4, 4, 3), np.uint8), n_regions=0)
