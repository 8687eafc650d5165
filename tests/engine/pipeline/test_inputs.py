import hashlib
import io
import json
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pytest

from segmentation.engine import artefacts, pipeline
from segmentation.engine.artefacts.document import run_document
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.imaging import masks
from segmentation.engine.recipe import Inputs, Recipe, StartingMixture
from tests.engine.pipeline.conftest import LIMITS, encoded

SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))


def mask_of(left_out):
    """Return inputs and masters for a mask (H, W)."""
    data = masks.encode(np.asarray(left_out))
    name = hashlib.sha256(data).hexdigest()
    return {"inputs": Inputs(mask=name), "masters": {name: data}}


def started_from(mixture, **changes):
    mapping = (mixture if isinstance(mixture, dict) else mixture.to_mapping()) | changes
    return {"inputs": Inputs(mixture=StartingMixture.from_mapping(mapping))}


@pytest.fixture
def bar(pixels):
    """The bright bar of the picture and a margin around it."""
    mask = np.zeros(pixels.shape[:2], dtype=bool)
    mask[8:52, 56:79] = True
    return mask


def test_masked_pixels_have_no_label_and_are_not_counted(run, pixels, bar):
    outcome = run(pixels, recipe=Recipe(n_clusters=2), **mask_of(bar))
    labels = outcome.segmentation.labels
    assert (labels[bar] == 255).all()
    assert (labels[~bar] < 2).all()
    assert outcome.left_out_pixels == bar.sum()
    assert outcome.segmentation.valid_pixels == (~bar).sum()
    assert sum(component.pixels for component in outcome.segmentation.components) == (~bar).sum()


def test_masked_pixels_have_no_influence_on_the_fit(run, pixels, bar):
    """With any values in the masked pixels the map is the same."""
    noise = np.where(bar[..., None], np.random.default_rng(5).integers(0, 256, pixels.shape), pixels).astype(np.uint8)
    one, two = (run(picture, recipe=Recipe(n_clusters=2), **mask_of(bar)) for picture in (pixels, noise))
    assert one.pixels_sha256 == two.pixels_sha256
    np.testing.assert_array_equal(one.segmentation.mixture.covariances, two.segmentation.mixture.covariances)


def test_a_mask_adds_to_the_transparent_pixels_of_the_picture(run, translucent, bar):
    outcome = run(translucent, recipe=Recipe(n_clusters=2), **mask_of(bar))
    hidden = translucent[..., 3] == 0
    np.testing.assert_array_equal(outcome.segmentation.labels == 255, hidden | bar)
    assert outcome.left_out_pixels == bar.sum()


def test_regions_take_a_mask(run, pixels, bar):
    outcome = run(pixels, recipe=Recipe.from_mapping({"preset": "regions"}), **mask_of(bar))
    np.testing.assert_array_equal(outcome.segmentation.labels == 255, bar)


def test_a_mask_that_leaves_nothing_says_what_to_do(run, translucent):
    everything_visible = translucent[..., 3] != 0
    with pytest.raises(SegmentationError) as refused:
        run(translucent, **mask_of(everything_visible))
    assert refused.value.code == "empty"
    assert "Black pixels of a mask are kept" in str(refused.value)


def test_a_mask_that_leaves_one_pixel_gives_one_cluster(run, pixels):
    mask = np.ones(pixels.shape[:2], dtype=bool)
    mask[10, 20] = False
    outcome = run(pixels, recipe=Recipe(n_clusters=5), **mask_of(mask))
    assert (outcome.segmentation.mixture.n_components, outcome.segmentation.labels[10, 20]) == (1, 0)


def test_a_mask_of_another_size_is_refused_with_both_sizes(run, pixels, bar):
    with pytest.raises(SegmentationError) as refused:
        run(pixels, **mask_of(bar.T))
    assert refused.value.code == "invalid_request"
    assert str(refused.value) == "The mask has 60 × 90 pixels, the picture 90 × 60: make a mask of the same size."


def test_a_mask_fits_the_picture_as_it_is_shown(run, pixels):
    """The stored picture is rotated by its EXIF orientation, the mask is not."""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    PIL.Image.fromarray(np.rot90(pixels)).save(file, "PNG", exif=exif)
    mask = np.zeros((60, 90), dtype=bool)
    mask[:, :45] = True
    np.testing.assert_array_equal(run(file.getvalue(), **mask_of(mask)).segmentation.labels == 255, mask)


def test_a_mask_that_is_not_the_one_named_is_refused(run, pixels, bar):
    given = mask_of(bar)
    (name,) = given["masters"]
    with pytest.raises(SegmentationError) as refused:
        run(pixels, inputs=given["inputs"], masters={name: masks.encode(~bar)})
    assert refused.value.code == "corrupt"


def test_a_run_that_begins_with_its_own_result_keeps_it(run, outcome, pixels):
    again = run(pixels, recipe=outcome.recipe, **started_from(outcome.segmentation.mixture))
    assert (again.segmentation.labels == outcome.segmentation.labels).mean() > 0.999
    assert again.segmentation.log_likelihood >= outcome.segmentation.log_likelihood - 1e-4
    assert again.segmentation.iterations <= 12


def test_a_start_decides_which_optimum_is_found(run, pixels):
    """From two equal clusters, EM cannot tell them apart: the start is really used."""
    one = run(pixels, recipe=Recipe(n_clusters=3)).segmentation.mixture.to_mapping()
    twins = {name: [one[name][0]] * 2 for name in ("means", "covariances")} | {"weights": [0.5, 0.5]}
    outcome = run(pixels, recipe=Recipe(n_clusters=2), **started_from(one, **twins))
    np.testing.assert_allclose(*outcome.segmentation.mixture.means, rtol=1e-6)


def test_a_starting_mixture_gives_the_number_of_clusters(run, outcome, pixels):
    again = run(pixels, recipe=Recipe(n_clusters=None), **started_from(outcome.segmentation.mixture))
    assert again.recipe.n_clusters == again.segmentation.mixture.n_components == 3
    assert again.evidence == {}
    with pytest.raises(BadRecipe):
        run(pixels, recipe=Recipe(n_clusters=4), **started_from(outcome.segmentation.mixture))


def test_a_start_with_other_features_is_refused(run, outcome, pixels):
    with pytest.raises(SegmentationError) as refused:
        run(pixels, recipe=Recipe.from_mapping({"features": "gray"}), **started_from(outcome.segmentation.mixture))
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 2, 0], [2, 1, 0], [0, 0, 1]],
        [[1, 0.5, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[-1, 0, 0], [0, 1, 0], [0, 0, 1]],
    ],
)
def test_invalid_covariances_are_refused(run, outcome, pixels, matrix):
    mixture = outcome.segmentation.mixture.to_mapping()
    with pytest.raises(SegmentationError) as refused:
        run(pixels, **started_from(mixture, covariances=[matrix, *mixture["covariances"][1:]]))
    assert refused.value.code == "invalid_request"
    assert "symmetric and positive definite" in str(refused.value)


@pytest.mark.parametrize("scale", [1e-17, 1.0, 1e17])
@pytest.mark.parametrize("place", [0.0, 128.0, 1e17])
@pytest.mark.parametrize("recipe", [{}, {"smoothness": 0.5}, {"exact": True, "covariance": "tied"}])
def test_starts_far_from_any_picture_give_a_valid_result(run, pixels, scale, place, recipe):
    rng = np.random.default_rng(0)
    start = {
        "schema": 1,
        "weights": [0.5, 0.5],
        "means": (place + rng.normal(0, 10, (2, 3))).tolist(),
        "covariances": [(np.eye(3) * scale).tolist()] * 2,
    }
    for picture in (pixels, np.full((3, 4, 3), 7, np.uint8)):
        outcome = run(picture, recipe=Recipe.from_mapping({"n_clusters": 2} | recipe), **started_from(start))
        document = run_document(pipeline.OutcomeSource(outcome))
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document, allow_nan=False)))


def test_the_document_has_the_inputs_and_the_same_inputs_give_the_same_document(run, outcome, pixels, bar):
    given = mask_of(bar)
    start = StartingMixture.from_mapping(outcome.segmentation.mixture.to_mapping())
    given["inputs"] = Inputs(mixture=start, mask=given["inputs"].mask)
    one, two = (run(pixels, **given) for _ in range(2))
    document, again = (
        json.loads(json.dumps(run_document(pipeline.OutcomeSource(each, outputs={})))) for each in (one, two)
    )
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert Inputs.from_mapping(document["inputs"]) == given["inputs"]
    assert document["map"]["left_out_pixels"] == pipeline.summary(one)["left_out_pixels"] == bar.sum()
    assert document.pop("seconds") != again.pop("seconds")
    assert document == again
    assert one.components_png == two.components_png


def test_the_document_is_enough_to_repeat_the_run(run, outcome, pixels, bar):
    given = mask_of(bar)
    document = json.loads(json.dumps(run_document(pipeline.OutcomeSource(run(pixels, **given), outputs={}))))
    again = pipeline.run(
        encoded(pixels),
        name=document["input"]["name"],
        recipe=Recipe.from_mapping(document["recipe"]),
        inputs=Inputs.from_mapping(document["inputs"]),
        masters=given["masters"],
        limits=LIMITS,
    )
    assert again.pixels_sha256 == document["map"]["pixels_sha256"]
