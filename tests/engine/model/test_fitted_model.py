import doctest
import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.model import FittedModel, fitted
from segmentation.engine.recipe import Features, Preset


@pytest.fixture(scope="module")
def china():
    return np.ascontiguousarray(load_sample_image("china.jpg")[100:260, 200:420])


@pytest.fixture(scope="module")
def flower():
    return np.ascontiguousarray(load_sample_image("flower.jpg")[100:260, 200:420])


def deep(pixels, low=500, gain=37):
    return pixels.astype(np.uint16) * gain + low


@pytest.mark.parametrize(
    ("recipe", "convert"),
    [
        (Recipe(n_clusters=5), lambda pixels: pixels),
        (Recipe(n_clusters=4, features=Features.LAB, covariance="tied"), lambda pixels: pixels),
        (Recipe(n_clusters=3, texture=1, position=True), lambda pixels: pixels),
        (Recipe(n_clusters=3, smoothness=0.5, smallest_region=0.001), lambda pixels: pixels),
        (Recipe(n_clusters=4), deep),
        (Recipe(n_clusters=3), lambda pixels: deep(pixels)[..., 0]),
        (Recipe(n_clusters=3), lambda pixels: pixels.astype(np.float32) / 7),
    ],
    ids=["8 bits", "Lab", "texture and position", "smoothed", "16 bits", "grey of 16 bits", "real numbers"],
)
def test_applied_to_its_own_picture_a_model_gives_the_labels_of_the_fit(china, recipe, convert):
    pixels = convert(china)
    result = segment(pixels, recipe)
    model = FittedModel.fit(pixels, recipe)
    applied = model.apply(pixels)
    np.testing.assert_array_equal(applied.labels, result.labels)
    assert applied.components == result.components
    assert applied.log_likelihood == result.log_likelihood


def test_another_picture_gets_the_labels_that_scikit_learn_predicts(china, flower):
    model = FittedModel.fit(china, Recipe(n_clusters=5))
    predicted = model.mixture.to_sklearn().predict(flower.reshape(-1, 3).astype(float)).reshape(flower.shape[:2])
    assert (model.apply(flower).labels == predicted).mean() > 0.9999  # ties in the last bit


def test_another_deep_picture_is_converted_to_the_units_of_the_model(china, flower):
    model = FittedModel.fit(deep(china), Recipe(n_clusters=4))
    other = deep(flower, low=0, gain=50)
    low, high = int(deep(china).min()), int(deep(china).max())
    values = (other.reshape(-1, 3) - float(low)) / (high - low) * 255
    predicted = model.mixture.to_sklearn().predict(values).reshape(other.shape[:2])
    assert (model.apply(other).labels == predicted).mean() > 0.999


def test_log_likelihood_is_the_mean_score_of_scikit_learn(china, flower):
    model = FittedModel.fit(china, Recipe(n_clusters=5))
    score = model.mixture.to_sklearn().score(flower.reshape(-1, 3).astype(float))
    assert model.log_likelihood(flower) == pytest.approx(score, abs=1e-6)  # the sample is all of so small a picture
    assert model.log_likelihood(china) > model.log_likelihood(flower) + 1


def test_a_mask_leaves_pixels_out(china):
    model = FittedModel.fit(china, Recipe(n_clusters=3))
    valid = np.ones(china.shape[:2], np.bool_)
    valid[:20] = False
    applied = model.apply(china, valid=valid)
    assert (applied.labels[:20] == 255).all()
    np.testing.assert_array_equal(applied.labels[20:], model.apply(china).labels[20:])
    assert applied.valid_pixels == valid.sum()


def test_json_keeps_every_bit(china, flower):
    model = FittedModel.fit(deep(china), Recipe(n_clusters=4, features=Features.RGB, position=True))
    read = FittedModel.from_json(model.to_json())
    assert read.to_mapping() == model.to_mapping()
    np.testing.assert_array_equal(read.apply(deep(flower)).labels, model.apply(deep(flower)).labels)


def test_people_keep_names_and_merged_clusters(china):
    model = FittedModel.fit(china, Recipe(n_clusters=4))
    legend = model.legend.with_name(0, "stain").merged(1, 2)
    changed = replace(model, legend=legend)
    assert FittedModel.from_json(changed.to_json()).legend == legend


@pytest.mark.parametrize(
    "damage",
    [
        lambda mapping: mapping.update(schema=99),
        lambda mapping: mapping["mixture"].update(weights=[1.0]),
        lambda mapping: mapping["mixture"]["covariances"].__setitem__(0, (-np.eye(3)).tolist()),
        lambda mapping: mapping["features"].pop("offset"),
        lambda mapping: mapping["features"]["names"].pop(),
        lambda mapping: mapping["features"].update(names=["L*", "a*", "b*"]),
        lambda mapping: mapping["features"].update(offset=[], scale=[], step=[], names=[]),
        lambda mapping: mapping["features"].update(scale=[0.0] * 3),
        lambda mapping: mapping["features"].update(step=[float("nan")] * 3),
        lambda mapping: mapping["features"].update(dtype="object"),
        lambda mapping: mapping["features"].update(dtype="nothing"),
        lambda mapping: mapping["mixture"].update(means=[[1e300] * 3] * 3),
        lambda mapping: mapping["clusters"].pop(),
        lambda mapping: mapping.pop("mixture"),
        lambda mapping: mapping.pop("clusters"),
        lambda mapping: mapping.update(mixture=None),
        lambda mapping: mapping.update(features=[]),
        lambda mapping: mapping.update(recipe=[]),
        lambda mapping: mapping.update(clusters={}),
    ],
)
def test_an_invalid_model_is_refused_with_a_sentence(china, damage):
    mapping = json.loads(FittedModel.fit(china, Recipe(n_clusters=3)).to_json())
    damage(mapping)
    with pytest.raises(SegmentationError) as refusal:
        FittedModel.from_mapping(mapping)
    assert refusal.value.code == "invalid_request"


@pytest.mark.parametrize("text", ["", "[]", "{", '"model"', "null", "[" * 100_000])
def test_other_json_is_refused_with_a_sentence(text):
    with pytest.raises(SegmentationError) as refusal:
        FittedModel.from_json(text)
    assert refusal.value.code == "invalid_request"


def test_a_picture_with_other_bands_is_refused(china):
    model = FittedModel.fit(china, Recipe(n_clusters=3))
    with pytest.raises(SegmentationError, match="bands"):
        model.apply(china[..., 0])


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (lambda pixels: pixels, deep),
        (deep, lambda pixels: pixels),
        (deep, lambda pixels: pixels / 255),
        (lambda pixels: pixels / 255, lambda pixels: pixels),
        (lambda pixels: pixels.astype(np.uint16), lambda pixels: pixels),  # of the range of 8 bits, but deep
    ],
    ids=["16 bits for 8", "8 for 16", "real for 16", "8 for real", "8 for 16 of the same range"],
)
def test_a_picture_of_another_depth_is_refused(china, own, other):
    model = FittedModel.from_json(FittedModel.fit(own(china), Recipe(n_clusters=3)).to_json())
    with pytest.raises(SegmentationError, match="choose a picture of the same depth"):
        model.apply(other(china))


def test_whole_numbers_of_another_type_are_of_the_same_depth(china):
    model = FittedModel.fit(deep(china), Recipe(n_clusters=3))
    np.testing.assert_array_equal(model.apply(deep(china).astype(np.int32)).labels, model.apply(deep(china)).labels)


def test_a_model_from_before_types_were_kept_is_applied_to_any_depth(china):
    mapping = json.loads(FittedModel.fit(deep(china), Recipe(n_clusters=3)).to_json())
    del mapping["features"]["dtype"]
    model = FittedModel.from_mapping(mapping)
    np.testing.assert_array_equal(model.apply(deep(china)).labels, model.apply(deep(china).astype(float)).labels)


def test_the_starting_mixture_of_deep_pictures_has_units_and_that_of_8_bits_has_none(china):
    model, deep_model = (FittedModel.fit(pixels, Recipe(n_clusters=3)) for pixels in (china, deep(china)))
    assert model.starting_mixture.to_mapping() == model.mixture.to_mapping()
    units = {name: list(getattr(deep_model.units, name)) for name in ("offset", "scale")}
    assert deep_model.starting_mixture.to_mapping() == deep_model.mixture.to_mapping() | {"units": units}


def test_equal_models_have_one_hash_and_a_new_name_another(china):
    model = FittedModel.fit(china, Recipe(n_clusters=3))
    assert model.sha256 == FittedModel.from_json(model.to_json()).sha256
    assert model.sha256 != replace(model, legend=model.legend.with_name(0, "stain")).sha256


def test_the_example_of_the_documentation_runs():
    assert doctest.testmod(fitted).failed == 0


def test_regions_leave_no_model(china):
    with pytest.raises(SegmentationError, match="Regions"):
        FittedModel.fit(china, Recipe(preset=Preset.REGIONS))
