import json
import pickle

import pytest

from segmentation.engine.exceptions import BadRecipe
from segmentation.engine.recipe import Alpha, Covariance, Inputs, Reading, Recipe, Selection, StartingMixture, reconcile

MASK = "0123456789abcdef" * 4
MIXTURE = {
    "schema": 1,
    "weights": [0.25, 0.75],
    "means": [[10.0, 20.0, 30.0], [200, 210, 220]],
    "covariances": [[[4.0, 1.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 9.0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]],
    "covariance_type": "full",
}


def changed(**changes):
    return {name: value for name, value in (MIXTURE | changes).items() if value is not None}


def refusal(mapping):
    with pytest.raises(BadRecipe) as refused:
        Inputs.from_mapping(mapping)
    return str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mixture": MIXTURE},
        {"mask": MASK},
        {"mixture": MIXTURE, "mask": MASK},
        {"reading": {"no_data": -9999}},
        {"mask": MASK, "reading": {"selection": {"z": 2, "channels": [2, 0]}, "alpha": "data"}},
    ],
)
def test_inputs_survive_json_and_pickling(given):
    inputs = Inputs.from_mapping(given)
    assert Inputs.from_mapping(json.loads(json.dumps(inputs.to_mapping(), allow_nan=False))) == inputs
    assert pickle.loads(pickle.dumps(inputs)) == inputs  # noqa: S301 - written in the same line
    assert hash(inputs) == hash(Inputs.from_mapping(given))


def test_a_mixture_is_written_as_it_was_read():
    assert Inputs.from_mapping({"mixture": MIXTURE}).to_mapping() == {"schema": 2, "mixture": MIXTURE, "mask": None}


def test_empty_inputs_are_of_a_schema_that_releases_before_masks_know():
    """Those leave a run queued whose schema is above 1."""
    assert Inputs().to_mapping() == {"schema": 1}
    assert Inputs.from_mapping({"schema": 1}) == Inputs.from_mapping({"mask": None, "mixture": None}) == Inputs()
    assert Inputs(mask=MASK).to_mapping()["schema"] == 2


def test_inputs_of_a_newer_release_are_refused_as_such():
    assert refusal({"schema": 5, "scribbles": MASK}) == "These inputs were written by a newer release (schema 5)."


def test_an_unknown_input_is_named():
    assert refusal({"scribbles": MASK}) == "“scribbles” is not a known input."


@pytest.mark.parametrize("mask", ["", "abc", MASK.upper(), MASK + "0", 5, [MASK], "g" * 64, MASK + "\n"])
def test_a_mask_is_named_by_a_hash_and_nothing_else(mask):
    assert refusal({"mask": mask}) == "The mask must be named by its SHA-256, 64 hexadecimal digits."


FIELDS = "The starting mixture must have schema, weights, means, covariances and covariance_type."
SHAPES = "The starting mixture must have K weights, K means of D values and K covariances of D x D, all finite and below 1e18."
WEIGHTS = "The weights of the starting mixture must be at least 1e-30, with sum 1."


@pytest.mark.parametrize(
    ("mixture", "sentence"),
    [
        ([], FIELDS),
        ("mixture", FIELDS),
        (changed(means=None), FIELDS),
        (changed(note="mine"), FIELDS),
        (changed(schema=2), "The starting mixture was written by another release."),
        (changed(covariance_type="round"), "mixture must be one of: full, tied, diag, spherical, mixed."),
        (changed(weights=[1.0]), SHAPES),
        (changed(weights=3), SHAPES),
        (changed(means=[[1, 2, 3], [1, 2]]), SHAPES),
        (changed(means=[]), SHAPES),
        (changed(means={"0": 1}), SHAPES),
        (changed(covariances=[MIXTURE["covariances"][0]]), SHAPES),
        (changed(covariances=[[[1, 0], [0, 1]]] * 2), SHAPES),
        (changed(weights=[0.5, float("nan")]), SHAPES),
        (changed(weights=[0.5, True]), SHAPES),
        (changed(weights=[0.5, "0.5"]), SHAPES),
        (changed(means=[[1, 2, float("inf")], [1, 2, 3]]), SHAPES),
        (changed(means=[[1, 2, 10**400], [1, 2, 3]]), SHAPES),
        (changed(means=[[1, 2, 1e19], [1, 2, 3]]), SHAPES),
        (changed(weights=[0.0, 1.0]), WEIGHTS),
        (changed(weights=[-0.5, 1.5]), WEIGHTS),
        (changed(weights=[0.5, 0.6]), WEIGHTS),
        (changed(weights=[], means=[[1.0]], covariances=[]), "1 to 32 clusters of 1 to 20 values"),
        (changed(weights=[1 / 33] * 33, means=[[1.0]] * 33), "1 to 32 clusters of 1 to 20 values"),
        (changed(means=[[1.0] * 21] * 2), "1 to 32 clusters of 1 to 20 values"),
    ],
)
def test_an_invalid_mixture_is_refused_with_what_it_must_be(mixture, sentence):
    assert sentence in refusal({"mixture": mixture})


def test_the_family_of_a_mixture_may_be_left_out():
    assert StartingMixture.from_mapping(changed(covariance_type=None)).covariance_type is Covariance.FULL


UNITS = {"offset": [100.0, 0.0, 5.0], "scale": [16.0, 16.0, 0.5]}


def test_a_mixture_may_say_what_its_units_are_and_then_only_newer_releases_take_it():
    inputs = Inputs.from_mapping({"mixture": MIXTURE | {"units": UNITS}})
    assert inputs.to_mapping() == {"schema": 3, "mixture": MIXTURE | {"units": UNITS}, "mask": None}
    assert Inputs.from_mapping(json.loads(json.dumps(inputs.to_mapping()))) == inputs


@pytest.mark.parametrize(
    "units",
    [[], {"offset": [0]}, {"offset": [0], "scale": [0]}, {"offset": [0], "scale": [1, 1]}, {"offset": [], "scale": []}],
)
def test_invalid_units_are_refused(units):
    assert "an offset and a scale above 0 for each band" in refusal({"mixture": MIXTURE | {"units": units}})


@pytest.mark.parametrize("n_clusters", ["auto", 2])
def test_a_starting_mixture_gives_the_number_of_clusters(n_clusters):
    recipe = Recipe.from_mapping({"n_clusters": n_clusters, "seed": 7})
    assert reconcile(recipe, Inputs.from_mapping({"mixture": MIXTURE})) == Recipe(n_clusters=2, seed=7)


def test_without_a_starting_mixture_the_recipe_stays_as_it_is():
    assert reconcile(Recipe(n_clusters=None), Inputs(mask=MASK)) == Recipe(n_clusters=None)


def test_another_number_than_that_of_the_starting_mixture_is_refused_with_both():
    with pytest.raises(BadRecipe) as refused:
        reconcile(Recipe(n_clusters=5), Inputs.from_mapping({"mixture": MIXTURE}))
    assert str(refused.value) == "The starting mixture has 2 clusters, not 5: ask for 2, or for auto."


def test_regions_take_no_starting_mixture():
    with pytest.raises(BadRecipe) as refused:
        reconcile(Recipe.from_mapping({"preset": "regions"}), Inputs.from_mapping({"mixture": MIXTURE}))
    assert (
        str(refused.value)
        == "The preset Regions takes no starting mixture: choose Colours, or remove the starting mixture."
    )


def test_a_reading_is_written_whole_and_read_with_defaults():
    inputs = Inputs.from_mapping({"reading": {"selection": {"z": 2, "channels": [2, 0]}, "alpha": "data"}})
    assert inputs.reading == Reading(selection=Selection(z=2, channels=(2, 0)), alpha=Alpha.DATA)
    selection = {"series": 0, "z": 2, "t": 0, "channels": [2, 0]}
    reading = {"selection": selection, "no_data": None, "alpha": "data"}
    assert inputs.to_mapping() == {"schema": 4, "mixture": None, "mask": None, "reading": reading}
    assert Inputs.from_mapping({"reading": None}) == Inputs()


def test_a_reading_that_decides_nothing_is_of_a_schema_that_older_releases_know():
    assert Inputs(reading=Reading(selection=Selection()), mask=MASK).to_mapping()["schema"] == 2


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        ({"plane": 2}, "“plane” is not a known input."),
        ({"selection": {"page": 2}}, "“page” is not a known input."),
        ([1], "What decides the reading of a file must be a JSON object."),
        ({"no_data": "none"}, "The value of no data must be a number."),
        ({"no_data": float("nan")}, "The value of no data must be a number."),
        ({"no_data": True}, "The value of no data must be a number."),
        ({"alpha": "opaque"}, "The meaning of alpha must be one of: data, transparency."),
        ({"selection": {"z": -1}}, "The number of the plane must be between 0 and 2147483647."),
        ({"selection": {"z": 1.5}}, "The number of the plane must be a whole number."),
        ({"selection": {"channels": []}}, "Choose from 1 to 16 different channels."),
        ({"selection": {"channels": [1, 1]}}, "Choose from 1 to 16 different channels."),
        ({"selection": {"channels": list(range(17))}}, "Choose from 1 to 16 different channels."),
        ({"selection": {"channels": "123"}}, "Channels must be a list of whole numbers."),
        ({"selection": {"channels": [-1]}}, "The number of a channel must be between 0 and 2147483647."),
    ],
)
def test_a_reading_that_means_nothing_is_refused_in_words(reading, sentence):
    assert refusal({"reading": reading}) == sentence
