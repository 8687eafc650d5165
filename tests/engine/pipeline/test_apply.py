"""A fitted model is applied to files, with the labels that its own run has given."""

import hashlib
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from segmentation.engine import artefacts, pipeline
from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.artefacts.document import run_document
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.imaging import decode, index_png, masks
from segmentation.engine.model import FittedModel
from segmentation.engine.progress import Stage
from segmentation.engine.recipe import Inputs, Recipe
from tests.engine.pipeline.conftest import LIMITS, encoded
from tests.engine.pipeline.test_depth import bands, phases

SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))


def document_of(outcome):
    document = json.loads(json.dumps(run_document(pipeline.OutcomeSource(outcome, outputs={})), allow_nan=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def model_of(outcome):
    """The model as it is in the run's document."""
    return FittedModel.from_mapping(document_of(outcome))


def applied(data, model, **more):
    return pipeline.apply(data, name="picture", model=model, **{"limits": LIMITS} | more)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"features": "lab"},
        {"texture": 1, "position": True},
        {"smoothness": 0.5},
        {"smallest_region": 0.01},
        {"exact": True},
    ],
)
def test_the_picture_of_the_run_gets_the_labels_of_the_run(run, pixels, recipe):
    outcome = run(pixels, recipe=Recipe(n_clusters=3, **recipe))
    again = applied(encoded(pixels), model_of(outcome))
    assert (again.components_png, again.pixels_sha256) == (outcome.components_png, outcome.pixels_sha256)
    assert (again.legend, again.recipe) == (outcome.legend, outcome.recipe)


@pytest.mark.parametrize("n_bands", [1, 3, 5])
def test_a_deep_picture_gets_the_labels_of_its_run(run, n_bands):
    data = bands(phases([[1000] * n_bands, [1060] * n_bands], 10)[0].astype(np.uint16))
    outcome = run(data, name="picture", recipe=Recipe(n_clusters=2))
    assert applied(data, model_of(outcome)).pixels_sha256 == outcome.pixels_sha256


def test_a_mask_leaves_out_what_it_left_out_of_the_run(run, pixels):
    mask = masks.encode(np.indices(pixels.shape[:2])[0] < 20)
    name = hashlib.sha256(mask).hexdigest()
    outcome = run(pixels, inputs=Inputs(mask=name), masters={name: mask})
    again = applied(encoded(pixels), model_of(outcome), inputs=Inputs(mask=name), masters={name: mask})
    assert again.pixels_sha256 == outcome.pixels_sha256
    assert again.left_out_pixels == outcome.left_out_pixels > 0


def test_the_document_says_which_model_was_applied(run, pixels):
    model = model_of(run(pixels))
    assert document_of(run(pixels))["applied_model"] is None
    document = document_of(applied(encoded(pixels[::-1]), model))
    assert document["applied_model"] == model.sha256
    assert (document["iterations"], document["history"]) == (0, [])
    assert FittedModel.from_mapping(document).sha256 == model.sha256  # to be applied again


def test_names_and_merged_clusters_of_the_model_are_kept(run, pixels):
    mapping = document_of(run(pixels))
    model = FittedModel.from_mapping(mapping)
    mapping["clusters"] = model.legend.with_name(0, "disc").merged(1, 2).to_mapping()["clusters"]
    outcome = applied(encoded(pixels), FittedModel.from_mapping(mapping))
    assert [cluster.name for cluster in outcome.legend.clusters] == ["disc", "Cluster 2"]
    assert [cluster["pixels"] for cluster in document_of(outcome)["clusters"]] == np.bincount(
        np.minimum(outcome.segmentation.labels.ravel(), 1)
    ).tolist()


def test_uncertainty_is_in_the_units_of_the_model_and_novelty_is_not_known(run):
    data, other = (bands(phases(means, 10)[0].astype(np.uint16)) for means in ([[1000], [1060]], [[1000], [3000]]))
    model = model_of(run(data, name="picture", recipe=Recipe(n_clusters=2)))
    outcome = applied(other, model)
    source = pipeline.OutcomeSource(outcome, decode=lambda: decode(other, name="", limits=LIMITS))
    values = model.units.values(decode(other, name="", limits=LIMITS).data)
    posterior = np.sort(model.mixture.posterior(values), axis=2)
    levels = index_png.decode(ARTEFACTS["uncertainty"].make(source))
    assert (levels[posterior[..., 1] > 0.999] < 0.1 * 253).all()
    assert (levels[posterior[..., 1] < 0.7] > 0.5 * 253).all()
    assert not ARTEFACTS["novelty"].available(source)


def test_every_stage_is_told_in_order(run, pixels):
    told = []
    applied(encoded(pixels), model_of(run(pixels)), on_progress=lambda stage, _fraction: told.append(stage))
    assert list(dict.fromkeys(told)) == list(Stage)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: bands(np.full((9, 9, 3), 700, np.uint16)), "of the type uint8, but this picture has uint16"),
        (lambda: encoded(np.full((9, 9), 7, np.uint8)), "a picture with 3 bands, but this one has 1"),
    ],
)
def test_a_picture_that_the_model_does_not_suit_is_refused(run, pixels, other, words):
    with pytest.raises(SegmentationError, match=words) as refused:
        applied(other(), model_of(run(pixels)))
    assert refused.value.code == "invalid_request"
