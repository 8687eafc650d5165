"""Values of single pixels from tiled files equal those that were extracted from the full picture for the fit."""

import io

import numpy as np
import pytest
import tifffile

from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.pixels.sources import feature_source
from segmentation.engine.gmm.statistics.uncertainty import reference_densities
from segmentation.engine.imaging import Limits, decode, index_png
from segmentation.engine.pipeline import pixel_tiles, tiled
from segmentation.engine.recipe import Recipe
from tests.factories import encoded, pixels

LIMITS = Limits(bytes=10**8, pixels=10**7, decoded_bytes=10**8)
HEIGHT, WIDTH = 290, 300
PLACES = ((0, 0), (127, 128), (128, 127), (140, 254), (255, 256), (289, 299), (60, 60))


def tiff(array):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, photometric="minisblack", planarconfig="contig" if array.ndim == 3 else None)
    return buffer.getvalue()


def deep():
    return np.random.default_rng(1).integers(200, 4000, (HEIGHT, WIDTH), np.uint16)


def floats():
    """Return four bands of floats with missing values."""
    values = np.random.default_rng(2).normal(10, 3, (HEIGHT, WIDTH, 4)).astype(np.float32)
    values[120:140, 100:260] = np.nan
    return values


def translucent():
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[100:135, 90:140] = 0
    return np.dstack([pixels(WIDTH, HEIGHT), alpha])


FILES = {
    "colours": lambda: encoded(pixels(WIDTH, HEIGHT)),
    "transparent": lambda: encoded(translucent()),
    "16 bits": lambda: tiff(deep()),
    "real numbers": lambda: tiff(floats()),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    "recipe", [{}, {"texture": 2}, {"texture": 1, "position": True}, {"position": True}, {"features": "lab"}]
)
def test_a_pixel_has_the_values_colour_and_sample_of_the_full_picture(tmp_path, kind, recipe):
    if recipe.get("features") == "lab" and kind in {"16 bits", "real numbers"}:
        recipe = {"features": "gray"} if kind == "16 bits" else {"features": "od"}
    recipe, data = Recipe.from_mapping({"n_clusters": 2, **recipe}), FILES[kind]()
    picture = decode(data, name="a", limits=LIMITS)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[200:210, 10:20] = index_png.NO_DATA  # left out by a mask
    if picture.valid is not None:
        labels[~picture.valid] = index_png.NO_DATA
    whole = feature_source(picture.data, labels != index_png.NO_DATA, recipe, picture.pixels)
    mixture = of_two(whole.sample(100, np.random.default_rng(0)).values)
    with (tmp_path / "picture").open("wb") as file:
        pixel_tiles.write_picture(picture, file)
    pixel_tiles.write_result(
        tmp_path / "picture",
        index_png.encode(labels),
        tmp_path / "result",
        recipe=recipe,
        mixture=mixture,
        units=whole.units,
    )
    values, valid = whole.part(slice(None), slice(None))
    sample = whole.sample(SAMPLE_PIXELS, np.random.default_rng([recipe.seed, 0]))
    reference = reference_densities(mixture, sample.values, sample.counts)
    with (tmp_path / "picture").open("rb") as of_picture, (tmp_path / "result").open("rb") as of_result:
        for row, column in PLACES:
            pixel = pixel_tiles.read_pixel(of_picture, of_result, recipe, row, column)
            assert pixel.colour == tuple(picture.pixels[row, column])
            assert pixel.label == labels[row, column]
            if valid[row, column]:
                np.testing.assert_array_equal(pixel.values, values[row, column])
            else:
                assert pixel.values.size == 0
        np.testing.assert_array_equal(pixel.reference, reference)


def of_two(values):
    """Return a mixture of two components near the mean of some values."""
    from segmentation.engine.gmm import Mixture  # noqa: PLC0415 - only here

    mean, spread = values.mean(axis=0, dtype=float), np.diag(values.var(axis=0, dtype=float) + 1)
    return Mixture(
        weights=np.array([0.5, 0.5]), means=np.stack([mean - 1, mean + 1]), covariances=np.stack([spread] * 2)
    )


class Watched(io.BytesIO):
    """A file that counts the bytes that are read from it."""

    count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data


def test_a_tile_is_read_without_the_others():
    layers = {
        "a": np.random.default_rng(0).integers(0, 9, (1000, 1100, 3)).astype(np.uint16),
        "b": np.ones((1000, 1100), bool),
    }
    file = Watched()
    tiled.write(file, layers, {"of": "a test"}, b"for all")
    layout = tiled.read_layout(file)
    assert (layout.attributes, layout.tiles, tiled.read_shared(file, layout)) == ({"of": "a test"}, (8, 9), b"for all")
    for down, across in ((0, 0), (3, 4), (7, 8)):
        file.count = 0
        tile = tiled.read_tiles(file, layout, range(down, down + 1), range(across, across + 1))
        place = slice(128 * down, 128 * down + 128), slice(128 * across, 128 * across + 128)
        np.testing.assert_array_equal(tile["a"], layers["a"][place])
        assert file.count == tile["a"].nbytes + tile["b"].nbytes
    every = tiled.read_tiles(file, layout, *map(range, layout.tiles))
    np.testing.assert_array_equal(every["a"], layers["a"])


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="not a file of tiles"):
        tiled.read_layout(io.BytesIO(b"something else"))
