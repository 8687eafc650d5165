"""Files of more than 8 bits a value, from their bytes to `run.json`."""

import hashlib
import io
import json
from pathlib import Path

import imagecodecs
import jsonschema
import numpy as np
import PIL.Image
import pytest
import tifffile

from segmentation.engine import artefacts, pipeline
from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.artefacts.document import run_document
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm.pixels.sources import feature_source
from segmentation.engine.gmm.statistics import uncertainty as maps
from segmentation.engine.imaging import decode, masks
from segmentation.engine.model import FittedModel
from segmentation.engine.pipeline import pixel_tiles
from segmentation.engine.recipe import Inputs, Recipe
from tests.engine.pipeline.conftest import LIMITS

SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
BANDS = {"photometric": "minisblack", "planarconfig": "contig"}


def tiff(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def bands(values):
    """Return a TIFF file of values (H, W, B)."""
    return tiff(values[:, :, 0], photometric="minisblack") if values.shape[2] == 1 else tiff(values, **BANDS)


def phases(means, sd, seed=0):
    """Return values (60, 80, B) of blocks of two phases with noise, and the phase of each pixel."""
    means = np.asarray(means, float)
    rows, columns = np.indices((60, 80))
    truth = (rows // 20 + columns // 20) % 2
    return means[truth] + np.random.default_rng(seed).normal(0, sd, (60, 80, means.shape[1])), truth


def document_of(outcome):
    document = json.loads(json.dumps(run_document(pipeline.OutcomeSource(outcome, outputs={})), allow_nan=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def means_in_the_file(document):
    features = document["features"]
    return np.array(features["offset"]) + np.array(features["scale"]) * np.array(document["mixture"]["means"])


@pytest.mark.parametrize(
    "encode", [lambda v: tiff(v, photometric="minisblack"), imagecodecs.png_encode], ids=["TIFF", "PNG"]
)
def test_phases_of_a_12_bit_camera_that_differ_by_less_than_a_level_of_8_are_separated(run, encode):
    values, truth = phases([[1000], [1012]], 2)
    values[0, 0], values[0, 1] = 0, 4095  # dust and a hot pixel
    outcome = run(encode(values[:, :, 0].round().astype(np.uint16)), name="camera", recipe=Recipe(n_clusters=2))
    assert (outcome.segmentation.labels == truth).mean() > 0.99
    document = document_of(outcome)
    assert document["features"]["names"] == ["grey"]
    np.testing.assert_allclose(means_in_the_file(document)[:, 0], [1000, 1012], atol=0.5)
    assert [notice["code"] for notice in document["notices"]] == ["depth_reduced", "grey"]


def test_a_phase_that_differs_in_the_fifth_band_of_six_only_is_found(run):
    means = np.full((2, 6), 3000.0)
    means[1, 4] = 3300
    values, truth = phases(means, 40)
    outcome = run(tiff(values.astype(np.uint16), **BANDS), name="stack.tif", recipe=Recipe(n_clusters=2))
    assert (outcome.segmentation.labels == truth).mean() > 0.995
    document = document_of(outcome)
    np.testing.assert_allclose(means_in_the_file(document), means, atol=5)
    assert len(document["clusters"][0]["mean"]) == 3
    assert document["notices"][0]["code"] == "bands_ignored"


def test_the_colours_of_clusters_are_those_of_the_displayed_picture(run):
    values, truth = phases([[2000, 1000, 1000], [2000, 9000, 1000]], 0)
    (dark, bright) = run(
        tiff(values.astype(np.uint16), photometric="rgb"), recipe=Recipe(n_clusters=2), name="picture"
    ).legend.clusters
    assert (dark.colour, bright.colour) == ("#080404", "#082304")  # a photograph: divided by 257
    assert truth.any()


def test_a_run_can_begin_with_one_that_left_out_what_is_brightest(run):
    """Units depend on the range of the valid pixels; a starting mixture with units is converted."""
    values, _ = phases([[1000], [1100]], 10)
    values[:15] = 60_000
    file, hot = tiff(values[:, :, 0].round().astype(np.uint16), photometric="minisblack"), np.zeros((60, 80), np.bool_)
    hot[:15] = True
    mask = masks.encode(hot)
    name = hashlib.sha256(mask).hexdigest()
    clean = run(file, name="camera.tif", recipe=Recipe(n_clusters=2), inputs=Inputs(mask=name), masters={name: mask})
    written = document_of(clean)
    start = FittedModel.from_mapping(written).starting_mixture
    recipe = Recipe(n_clusters=2, max_iterations=1)
    document = document_of(run(file, name="camera.tif", recipe=recipe, inputs=Inputs(mixture=start)))
    assert document["features"]["scale"][0] > 100 * written["features"]["scale"][0]
    np.testing.assert_allclose(means_in_the_file(document)[0], [1000], atol=2)
    assert document["inputs"]["schema"] == 3


def test_floats_with_missing_values(run):
    values, truth = phases([[-0.5], [0.25]], 0.02)
    values[5:9, 5:9] = np.nan
    values[20, 20] = np.inf
    outcome = run(
        tiff(values[:, :, 0].astype(np.float32), photometric="minisblack"), name="picture", recipe=Recipe(n_clusters=2)
    )
    gaps = ~np.isfinite(values[:, :, 0])
    np.testing.assert_array_equal(outcome.segmentation.labels, np.where(gaps, 255, truth))
    np.testing.assert_allclose(means_in_the_file(document_of(outcome)), [[-0.5], [0.25]], atol=0.005)


def test_negative_integers(run):
    values, truth = phases([[-300], [-250]], 4)
    outcome = run(
        tiff(values[:, :, 0].astype(np.int16), photometric="minisblack"), name="picture", recipe=Recipe(n_clusters=2)
    )
    np.testing.assert_array_equal(outcome.segmentation.labels, truth)
    np.testing.assert_allclose(means_in_the_file(document_of(outcome)), [[-300], [-250]], atol=1)


def test_a_constant_16_bit_picture_has_one_cluster(run):
    outcome = run(
        tiff(np.full((9, 8, 3), 700, np.uint16), photometric="rgb"), name="picture", recipe=Recipe(n_clusters=3)
    )
    np.testing.assert_array_equal(means_in_the_file(document_of(outcome)), [[700] * 3])


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF"])
def test_grey_pictures_are_one_dimensional(run, pixels, image_format):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels[..., 1]).save(file, image_format)
    outcome = run(file.getvalue(), name="picture", recipe=Recipe(n_clusters=3))
    assert outcome.segmentation.mixture.means.shape == (3, 1)
    document = document_of(outcome)
    assert document["features"] == {"names": ["grey"], "offset": [0], "scale": [1], "step": [1], "dtype": "uint8"}
    colours = [cluster["colour"] for cluster in document["clusters"]]
    assert all(colour[1:3] == colour[3:5] == colour[5:] for colour in colours)


def test_automatic_choice_finds_two_faint_phases(run):
    values, truth = phases([[1000], [1030]], 3)
    outcome = run(
        tiff(values[:, :, 0].astype(np.uint16), photometric="minisblack"),
        name="picture",
        recipe=Recipe(n_clusters=None),
    )
    assert outcome.segmentation.mixture.n_components == 2
    np.testing.assert_array_equal(outcome.segmentation.labels, truth)
    assert outcome.evidence["evidence_colours"].shape[2] == 3


@pytest.mark.parametrize(
    "recipe", [{"smoothness": 0.5}, {"smallest_region": 0.01}, {"texture": 1, "position": True}, {"exact": True}]
)
@pytest.mark.parametrize("n_bands", [1, 3, 5])
def test_every_option_takes_pictures_of_high_bit_depth(run, recipe, n_bands):
    values, truth = phases([[1000] * n_bands, [1060] * n_bands], 10)
    data = bands(values.astype(np.uint16))
    outcome = run(data, name="picture", recipe=Recipe(n_clusters=2, covariance="tied", **recipe))
    # Texture and position may cut the picture in another way; it still has two parts.
    assert len(np.unique(outcome.segmentation.labels)) == 2
    assert "texture" in recipe or (outcome.segmentation.labels == truth).mean() > 0.98
    document_of(outcome)


def test_regions_of_a_16_bit_picture_are_those_of_the_displayed_picture(run):
    values, truth = phases([[1000, 1000, 1000], [1000, 3000, 1000]], 30)
    outcome = run(
        tiff(values.astype(np.uint16), photometric="rgb"),
        name="picture",
        recipe=Recipe.from_mapping({"preset": "regions"}),
    )
    document = document_of(outcome)
    assert len(document["features"]["names"]) == len(document["mixture"]["means"][0]) == 7
    assert truth.any()


@pytest.mark.parametrize(
    ("features", "n_bands", "words"),
    [("lab", 1, "grey"), ("lab", 5, "red, green and blue"), ("gray", 5, "red, green and blue")],
)
def test_a_colour_space_that_the_bands_do_not_have_is_refused_with_advice(run, features, n_bands, words):
    data = bands(np.ones((6, 7, n_bands), np.uint16))
    with pytest.raises(SegmentationError, match=words) as refused:
        run(data, name="picture", recipe=Recipe(features=features))
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize("n_bands", [1, 3, 5])
def test_the_values_of_a_pixel_of_a_stored_result_have_full_depth(run, tmp_path, n_bands):
    values, truth = phases([[1000] * n_bands, [1008] * n_bands], 2)  # 8 bits of 16 do not tell them apart
    values[0, 0] = 60_000
    data = bands(values.astype(np.uint16))
    outcome = run(data, name="picture", recipe=Recipe(n_clusters=3))
    source = pipeline.SpooledSource.of(pipeline.OutcomeSource(outcome), fit={}, tiles=tiles_of(data, tmp_path))
    picture = decode(data, name="picture", limits=LIMITS)
    values, _ = feature_source(picture.data, None, outcome.recipe, picture.pixels).part(slice(None), slice(None))
    assert values.shape == (60, 80, n_bands)
    np.testing.assert_array_equal(outcome.segmentation.mixture.predict(values), outcome.segmentation.labels)
    assert len(np.unique(values[1:])) > 10
    for pixel in ((0, 0), (30, 30), (59, 79)):
        seen = pixel_at(outcome, data, tmp_path, pixel)
        np.testing.assert_array_equal(seen.values, values[pixel])
        assert seen.label == outcome.segmentation.labels[pixel]
    with PIL.Image.open(io.BytesIO(ARTEFACTS["uncertainty"].make(source))) as image:
        levels = np.asarray(image)
    share = maps.uncertainty(outcome.segmentation.mixture, values, [[0], [1], [2]])
    np.testing.assert_array_equal(levels, np.rint(share * 253))
    assert truth.any()


def test_regions_of_many_bands_are_found_in_the_displayed_picture_with_any_colour_space(run, tmp_path):
    data = bands(phases([[1000] * 5, [3000] * 5], 30)[0].astype(np.uint16))
    recipe = Recipe.from_mapping({"preset": "regions", "features": "lab"})
    outcome = run(data, name="picture", recipe=recipe)
    shown = decode(data, name="picture", limits=LIMITS).pixels
    for pixel in ((0, 0), (59, 79)):
        seen = pixel_at(outcome, data, tmp_path, pixel)
        assert (seen.label, seen.colour) == (outcome.segmentation.labels[pixel], tuple(shown[pixel]))
        assert seen.values.size == seen.reference.size == 0


def pixel_at(outcome, data, folder, pixel):
    """Return one pixel of a result, read from tiled files."""
    picture, result = tiles_of(data, folder), folder / "result"
    segmentation = outcome.segmentation
    pixel_tiles.write_result(
        picture,
        outcome.components_png,
        result,
        recipe=outcome.recipe,
        mixture=segmentation.mixture,
        units=segmentation.units,
    )
    with picture.open("rb") as of_picture, result.open("rb") as of_result:
        return pixel_tiles.read_pixel(of_picture, of_result, outcome.recipe, *pixel)


def tiles_of(data, folder):
    """Write the tiled file of a picture, and return its path."""
    with (folder / "picture").open("wb") as file:
        pixel_tiles.write_picture(decode(data, name="picture", limits=LIMITS), file)
    return folder / "picture"
