"""Reader of single pixels of a result, from two tiled files of which only the tiles around the pixel are read.

The file of the picture has its values, a mask of valid pixels and the displayed colours. The file of the result has its
labels, the units of its mixture, and quantiles of the density for the novelty of a pixel. The features of a pixel are
extracted from both files as they were for the fit.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.artefacts.pixel_maps import features_as_fitted
from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.features.extraction import coordinates, extract_features
from segmentation.engine.gmm.features.texture import SCALES, margin
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.statistics.uncertainty import reference_densities
from segmentation.engine.imaging import Picture, index_png
from segmentation.engine.pipeline import tiled
from segmentation.engine.pipeline.tiled import SIDE, Layers, Layout
from segmentation.engine.recipe import Preset, Recipe

Values = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pixel:
    """One pixel of a result."""

    label: int  # in the component map; after smoothing not always the most probable component
    colour: tuple[int, int, int]  # as displayed, sRGB
    values: Values  # (D,) its features, in the units of the mixture; empty for the preset Regions and without data
    reference: NDArray[np.float64]  # densities for `novelty`; empty for the preset Regions


def write_picture(picture: Picture, file: IO[bytes]) -> None:
    """Write a decoded picture to a tiled file, which is open for writing."""
    layers: Layers = {"data": picture.data}
    if picture.data is not picture.pixels:
        layers["colours"] = picture.pixels
    if picture.valid is not None:
        layers["valid"] = picture.valid
    tiled.write(file, layers, {})


def read_picture(path: Path) -> tuple[Values, NDArray[np.uint8]]:
    """Return the values (H, W, B) of a picture and its displayed colours (H, W, 3), read from its tiled file."""
    with path.open("rb") as file:
        layout = tiled.read_layout(file)
        layers = tiled.read_tiles(file, layout, *map(range, layout.tiles))
    data = layers["data"]
    return data, layers.get("colours", data).astype(np.uint8, copy=False)


def write_result(
    picture: Path, components_png: bytes, path: Path, *, recipe: Recipe, mixture: Mixture, units: Units | None
) -> None:
    """Write a result to a tiled file.

    Parameters
    ----------
    picture : Path
        The tiled file of the picture.
    components_png : bytes
        The component map.
    path : Path
        The file, which is created or replaced.
    recipe : Recipe
    mixture : Mixture
    units : Units or None
        The stored units of the result.

    Raises
    ------
    SegmentationError
        As `features_as_fitted`.
    """
    labels = index_png.decode(components_png)
    if recipe.preset is Preset.REGIONS:
        attributes, reference = {}, np.empty(0)
    else:
        data, colours = read_picture(picture)
        source = features_as_fitted(data, colours, labels, recipe=recipe, units=units)
        # The sample that the fit began with: the same seed draws the same pixels.
        sample = source.sample(SAMPLE_PIXELS, np.random.default_rng([recipe.seed, 0]))
        attributes, reference = source.units.to_mapping(), reference_densities(mixture, sample.values, sample.counts)
    with path.open("wb") as file:
        tiled.write(file, {"labels": labels}, attributes, reference.tobytes())


def read_pixel(picture: IO[bytes], result: IO[bytes], recipe: Recipe, row: int, column: int) -> Pixel:
    """Return one pixel, read from the tiled files of a picture and of its result.

    Parameters
    ----------
    picture, result : binary files, open for reading
    recipe : Recipe
        The recipe of the result.
    row, column : int
        Within the picture.
    """
    of_picture, of_result = tiled.read_layout(picture), tiled.read_layout(result)
    has_regions = recipe.preset is Preset.REGIONS
    radius = 0 if has_regions else margin(SCALES[: recipe.texture])
    down, across = _tiles(row, radius, of_picture.tiles[0]), _tiles(column, radius, of_picture.tiles[1])
    layers = tiled.read_tiles(picture, of_picture, down, across)
    labels = tiled.read_tiles(result, of_result, down, across)["labels"][..., 0]
    in_tiles = row - down.start * SIDE, column - across.start * SIDE
    red, green, blue = layers.get("colours", layers["data"])[in_tiles].tolist()
    label = int(labels[in_tiles])
    values: Values = np.empty(0)
    if label != index_png.NO_DATA and not has_regions:
        valid = labels != index_png.NO_DATA
        values = _features(layers["data"], valid, recipe, Units.from_mapping(of_result.attributes), in_tiles)
        if recipe.position:
            values = _with_position(values, of_picture, row, column)
    reference = np.frombuffer(tiled.read_shared(result, of_result))
    return Pixel(label=label, colour=(red, green, blue), values=values, reference=reference)


def _tiles(index: int, radius: int, count: int) -> range:
    """Return the rows or columns of tiles with the pixels of up to `radius` from a pixel."""
    return range(max(0, (index - radius) // SIDE), min(count, (index + radius) // SIDE + 1))


def _features(data: Values, valid: NDArray[np.bool_], recipe: Recipe, units: Units, pixel: tuple[int, int]) -> Values:
    """Return the features (D,) of one pixel without its position, from a part of the picture with the neighbourhood of its texture."""
    found = extract_features(data, valid, replace(recipe, position=False), units=units)
    values: Values = found.part(slice(pixel[0], pixel[0] + 1), slice(pixel[1], pixel[1] + 1))[0, 0]
    return values


def _with_position(values: Values, layout: Layout, row: int, column: int) -> Values:
    """Return features with those of the position appended."""
    position = coordinates(np.array([row]), np.array([column]), max(layout.height, layout.width))[:, 0]
    return np.concatenate([values.astype(np.result_type(values, np.float32)), position])
