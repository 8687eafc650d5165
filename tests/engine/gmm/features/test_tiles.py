"""Tiles, and features that are computed tile by tile."""

import numpy as np
import pytest

from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.gmm.features import texture
from segmentation.engine.gmm.features.colour_spaces import lightness
from segmentation.engine.gmm.features.extraction import extract_features
from segmentation.engine.gmm.features.texture import roughness
from segmentation.engine.gmm.features.tiles import tiles
from segmentation.engine.progress import Stage


class Cancelled(Exception):
    pass


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (70, 90), (64, 64)])
@pytest.mark.parametrize("margin", [0, 3, 40])
def test_tiles_cover_a_picture_once_and_have_margins(shape, margin):
    picture, times = np.arange(shape[0] * shape[1]).reshape(shape), np.zeros(shape, int)
    for tile in tiles(*shape, pixels=1024, margin=margin):
        times[tile.core] += 1
        np.testing.assert_array_equal(picture[tile.padded][tile.core_in_padded], picture[tile.core])
        assert picture[tile.core].size <= 1024
        for own, wide, n in zip(tile.core, tile.padded, shape, strict=True):
            assert (wide.start, wide.stop) == (max(own.start - margin, 0), min(own.stop + margin, n))
    assert (times == 1).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_texture_in_tiles_is_that_of_the_full_picture(china, dtype, monkeypatch):
    pixels = china.astype(dtype) if dtype == np.uint8 else china.astype(dtype) * 257
    recipe = Recipe(features="gray", texture=2)  # of which 16 bits have their whole range
    monkeypatch.setattr(texture, "_PIXELS", 100**2)
    measured = extract_features(pixels, None, recipe).values
    light = lightness(china.transpose(2, 0, 1))[0]
    np.testing.assert_allclose(measured[..., 0], light, atol=1e-3)
    for plane, scale in zip((1, 2), texture.SCALES, strict=True):
        np.testing.assert_allclose(measured[..., plane], roughness(light, scale), atol=5e-3)


def test_positions_do_not_depend_on_how_pixels_are_selected():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    measured = extract_features(pixels, None, Recipe(features="lab", texture=1, position=True))
    flat = measured.values.reshape(2800, 6)
    assert measured.names[-2:] == ("across", "down")
    np.testing.assert_allclose(flat[75, -2:], [5.5 / 0.7, 1.5 / 0.7], rtol=1e-6)
    some, mask = np.array([3, 71, 2799]), np.arange(2800) % 7 == 2
    for chosen in (slice(65, 900), some, mask):
        np.testing.assert_array_equal(measured[chosen], flat[chosen])
    np.testing.assert_array_equal(measured.part(slice(3, 9), slice(60, 70)), measured.values[3:9, 60:70])


def test_feature_extraction_reports_progress_and_can_be_cancelled(china, monkeypatch):
    monkeypatch.setattr(texture, "_PIXELS", 100**2)
    told = []

    def listen(stage, fraction):
        told.append((stage, fraction))
        if len(told) == 20:
            raise Cancelled

    with pytest.raises(Cancelled):
        segment(china, Recipe(texture=2), on_progress=listen)
    stages, fractions = zip(*told, strict=True)
    assert set(stages) == {Stage.COUNTING}
    assert list(fractions) == sorted(fractions)
    assert 0 < fractions[-1] < 0.5
