"""Single pixels of a result, read from two files of tiles without the rest of the picture.

The picture's file holds its values as stored, which of them are data, and the colours that people see. The result's file
holds its labels, the units of its mixture, and quantiles to tell how usual a pixel is. The features of a pixel are computed
from both, as the fit has extracted them, for the part that is asked for.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.features.extraction import coordinates, extract_features
from segmentation.engine.gmm.features.texture import SCALES, margin
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.pixels.sources import feature_source
from segmentation.engine.gmm.statistics.uncertainty import reference_densities
from segmentation.engine.imaging import Picture, index_png
from segmentation.engine.pipeline import tiled
from segmentation.engine.pipeline.tiled import SIDE, Layers, Layout
from segmentation.engine.recipe import Preset, Recipe

Values = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pixel:
    """One pixel of a result."""

    label: int  # in the component map: with smoothing not always the most probable component
    colour: tuple[int, int, int]  # as people see it
    values: Values  # (D,) its features, which the mixture is of; of regions, and without data, D = 0
    reference: NDArray[np.float64]  # for `novelty`; of regions empty


def write_picture(picture: Picture, file: IO[bytes]) -> None:
    """Write the file of tiles of a decoded picture."""
    layers: Layers = {"data": picture.data}
    if picture.data is not picture.pixels:
        layers["colours"] = picture.pixels
    if picture.valid is not None:
        layers["valid"] = picture.valid
    tiled.write(file, layers, {})


def read_picture(path: Path) -> tuple[Values, NDArray[np.uint8]]:
    """Return the values (H, W, B) of a picture and its colours (H, W, 3) as displayed, from its file of tiles."""
    with path.open("rb") as file:
        layout = tiled.read_layout(file)
        layers = tiled.read_tiles(file, layout, *map(range, layout.tiles))
    data = layers["data"]
    return data, layers.get("colours", data).astype(np.uint8, copy=False)


def write_result(picture: Path, components_png: bytes, recipe: Recipe, mixture: Mixture, path: Path) -> None:
    """Write the file of tiles of a result; `picture` is the path of its picture's file of tiles."""
    labels = index_png.decode(components_png)
    if recipe.preset is Preset.REGIONS:
        more, reference = {}, np.empty(0)
    else:
        data, colours = read_picture(picture)
        valid = labels != index_png.NO_DATA
        source = feature_source(data, None if valid.all() else valid, recipe, colours)
        # Compared with the pixels that the fit began with: the same seed draws the same.
        sample = source.sample(SAMPLE_PIXELS, np.random.default_rng([recipe.seed, 0]))
        more, reference = source.units.to_mapping(), reference_densities(mixture, sample.values, sample.counts)
    with path.open("wb") as file:
        tiled.write(file, {"labels": labels}, more, reference.tobytes())


def read_pixel(picture: IO[bytes], result: IO[bytes], recipe: Recipe, row: int, column: int) -> Pixel:
    """Read one pixel from the files of tiles of a picture and a result: no more of them than the tiles around it."""
    of_picture, of_result = tiled.read_layout(picture), tiled.read_layout(result)
    has_regions = recipe.preset is Preset.REGIONS
    reach = 0 if has_regions else margin(SCALES[: recipe.texture])
    down, across = _tiles(row, reach, of_picture.tiles[0]), _tiles(column, reach, of_picture.tiles[1])
    layers = tiled.read_tiles(picture, of_picture, down, across)
    labels = tiled.read_tiles(result, of_result, down, across)["labels"][..., 0]
    here = row - down.start * SIDE, column - across.start * SIDE
    red, green, blue = layers.get("colours", layers["data"])[here].tolist()
    label = int(labels[here])
    values: Values = np.empty(0)
    if label != index_png.NO_DATA and not has_regions:
        valid = labels != index_png.NO_DATA
        values = _features(layers["data"], valid, recipe, Units.from_mapping(of_result.more), here)
        if recipe.position:
            values = _with_position(values, of_picture, row, column)
    reference = np.frombuffer(tiled.read_common(result, of_result))
    return Pixel(label=label, colour=(red, green, blue), values=values, reference=reference)


def _tiles(index: int, reach: int, count: int) -> range:
    """Return the rows or columns of tiles that hold a pixel and what lies around it."""
    return range(max(0, (index - reach) // SIDE), min(count, (index + reach) // SIDE + 1))


def _features(data: Values, valid: NDArray[np.bool_], recipe: Recipe, units: Units, here: tuple[int, int]) -> Values:
    """Return the features (D,) of one pixel, from a part of the picture that holds all that counts for its texture."""
    found = extract_features(data, valid, replace(recipe, position=False), units=units)
    values: Values = found.part(slice(here[0], here[0] + 1), slice(here[1], here[1] + 1))[0, 0]
    return values


def _with_position(values: Values, layout: Layout, row: int, column: int) -> Values:
    position = coordinates(np.array([row]), np.array([column]), max(layout.height, layout.width))[:, 0]
    return np.concatenate([values.astype(np.result_type(values, np.float32)), position])
