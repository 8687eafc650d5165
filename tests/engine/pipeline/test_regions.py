"""The preset *Regions* in the pipeline: each region is a component, and there are the same files and document."""

import io
import json
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pytest

from segmentation.engine import artefacts, pipeline
from segmentation.engine.artefacts.document import run_document
from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.regions_preset import classification_likelihood
from segmentation.engine.recipe import Recipe


@pytest.fixture
def outcome(run, pixels):
    return run(pixels, recipe=Recipe.from_mapping({"preset": "regions"}))


def test_each_object_in_the_picture_is_a_region(outcome):
    labels = outcome.segmentation.labels
    things = {int(labels[30, 25]), int(labels[2, 2]), int(labels[30, 67])}
    assert len(things) == 3
    assert len(outcome.segmentation.components) == labels.max() + 1


def test_areas_and_colours_are_those_of_the_pixels(outcome, pixels):
    labels = outcome.segmentation.labels
    for number, component in enumerate(outcome.segmentation.components):
        inside = pixels[labels == number].astype(np.int64)
        assert component.pixels == len(inside) == component.soft_pixels
        np.testing.assert_allclose(component.sum, inside.sum(axis=0))
        red, green, blue = inside.T
        products = [red @ red, red @ green, red @ blue, green @ green, green @ blue, blue @ blue]
        np.testing.assert_allclose(component.products, products)


@pytest.mark.parametrize("n_regions", [2, 5])
def test_a_number_of_regions_can_be_asked_for(run, pixels, n_regions):
    outcome = run(pixels, recipe=Recipe.from_mapping({"preset": "regions", "n_clusters": n_regions}))
    assert len(outcome.legend.clusters) == n_regions


def test_the_document_follows_the_schema(outcome):
    files = pipeline.masters(outcome)
    document = json.loads(json.dumps(run_document(pipeline.OutcomeSource(outcome, outputs=files))))
    schema = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["recipe"]["preset"] == "regions"
    assert document["recipe"]["n_clusters"] == "auto"
    assert np.array(document["mixture"]["means"]).shape == (len(document["clusters"]), 7)
    with PIL.Image.open(io.BytesIO(files["components.png"])) as stored:
        np.testing.assert_array_equal(np.asarray(stored), outcome.segmentation.labels)


def test_transparent_pixels_belong_to_no_region(run, translucent):
    outcome = run(translucent, recipe=Recipe.from_mapping({"preset": "regions"}))
    assert (outcome.segmentation.labels[:20, :30] == 255).all()
    assert outcome.segmentation.valid_pixels == 60 * 90 - 20 * 30


def test_the_likelihood_is_that_of_every_value_under_the_gaussian_of_its_region():
    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 1, (400, 2)) @ [[2, 0], [1, 1]], rng.normal(8, 3, (600, 2))]
    mixture = Mixture(
        np.array([0.4, 0.6]),
        np.array([part.mean(axis=0) for part in parts]),
        np.array([np.cov(part.T, bias=True) for part in parts]),
    )
    own = [
        np.log(weight) + Mixture(np.ones(1), mean[None], covariance[None]).log_density(part)
        for weight, mean, covariance, part in zip(
            mixture.weights, mixture.means, mixture.covariances, parts, strict=True
        )
    ]
    assert classification_likelihood(mixture) == pytest.approx(np.concatenate(own).mean(), abs=1e-9)
