import dataclasses
import json
import pickle

import pytest

from segmentation.engine.exceptions import BadRecipe
from segmentation.engine.recipe import Covariance, Features, Recipe


def test_a_recipe_without_settings_asks_for_three_clusters_with_seed_zero():
    assert Recipe.from_mapping({}) == Recipe() == Recipe(n_clusters=3, seed=0)


def test_a_recipe_survives_json():
    recipe = Recipe(
        n_clusters=17,
        features=Features.LAB,
        texture=2,
        position=True,
        covariance=Covariance.TIED,
        smoothness=0.25,
        smallest_region=0.001,
        seed=2**32 - 1,
        restarts=5,
        tolerance=1e-7,
        max_iterations=7,
        exact=True,
    )
    written = json.loads(json.dumps(recipe.to_mapping()))
    assert Recipe.from_mapping(written) == recipe
    assert written == {
        "schema": 1, "preset": "colours", "n_clusters": 17, "features": "lab", "texture": 2, "position": True,
        "covariance": "tied", "smoothness": 0.25, "smallest_region": 0.001, "seed": 4294967295, "restarts": 5,
        "tolerance": 1e-7, "max_iterations": 7, "exact": True,
    }  # fmt: skip


@pytest.mark.parametrize("auto", ["auto", " AUTO ", None])
@pytest.mark.parametrize("preset", ["colours", "regions"])
def test_the_number_can_be_left_to_the_engine(auto, preset):
    recipe = Recipe.from_mapping({"preset": preset, "n_clusters": auto})
    assert recipe.n_clusters is None
    assert recipe.to_mapping()["n_clusters"] == "auto"
    assert Recipe.from_mapping(recipe.to_mapping()) == recipe


def test_regions_are_counted_by_the_engine_unless_a_number_is_given():
    assert Recipe.from_mapping({"preset": "regions"}).n_clusters is None
    assert Recipe.from_mapping({"preset": "regions", "n_clusters": 254}).n_clusters == 254
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"preset": "regions", "n_clusters": 255})
    assert str(refused.value) == "The number of clusters must be between 2 and 254."


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"covariance": 3}, "The shape of clusters must be one of: full, tied, diag, spherical, mixed."),
        ({"tolerance": "0"}, "The tolerance must be between 1e-09 and 0.1."),
        ({"tolerance": "much"}, "The tolerance must be a number."),
        ({"tolerance": float("nan")}, "The tolerance must be a number."),
        ({"tolerance": 10**400}, "The tolerance must be a number."),
        ({"restarts": 0}, "The number of starts must be between 1 and 20."),
        ({"max_iterations": 0}, "The number of iterations must be between 1 and 10000."),
        ({"exact": "perhaps"}, "Fitting all pixels must be on or off."),
        ({"features": "xyz"}, "The colour space must be one of: rgb, lab, gray, od."),
        ({"smoothness": 1.01}, "The smoothness must be between 0.0 and 1.0."),
        ({"smallest_region": -0.1}, "The smallest region must be between 0.0 and 0.1."),
        ({"texture": 3}, "The number of texture scales must be between 0 and 2."),
        ({"position": "perhaps"}, "Position as a feature must be on or off."),
    ],
)
def test_an_invalid_setting_is_refused_with_its_valid_values(setting, sentence):
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping(setting)
    assert str(refused.value) == sentence


def test_settings_may_come_as_a_form_writes_them():
    recipe = Recipe.from_mapping({"tolerance": "1e-4", "exact": "on", "covariance": "DIAG", "restarts": "3"})
    assert recipe == Recipe(tolerance=1e-4, exact=True, covariance=Covariance.DIAG, restarts=3)


@pytest.mark.parametrize("preset", ["textures", None, 3])
def test_an_unknown_preset_is_refused_with_the_valid_ones(preset):
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"preset": preset})
    assert str(refused.value) == "The preset must be one of: colours, areas, regions."


@pytest.mark.parametrize("five", [5, "5", " 5 ", 5.0])
def test_numbers_may_come_as_a_form_or_json_writes_them(five):
    recipe = Recipe.from_mapping({"n_clusters": five})
    assert recipe == Recipe(n_clusters=5)
    assert type(recipe.n_clusters) is int


@pytest.mark.parametrize("n_clusters", [2, 32])
def test_the_bounds_belong_to_the_range(n_clusters):
    assert Recipe(n_clusters=n_clusters).n_clusters == n_clusters


@pytest.mark.parametrize("n_clusters", [1, 33, 0, -3, "1", "33", 10**30])
def test_too_few_or_too_many_clusters_are_refused_with_the_range(n_clusters):
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"n_clusters": n_clusters})
    assert refused.value.code == "bad_recipe"
    assert str(refused.value) == "The number of clusters must be between 2 and 32."


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused_with_the_range(seed):
    with pytest.raises(BadRecipe) as refused:
        Recipe(seed=seed)
    assert str(refused.value) == "The seed must be between 0 and 4294967295."


@pytest.mark.parametrize("value", ["three", "", "2.5", 2.5, "1e3", True, [3], {}, float("nan"), float("inf")])
def test_a_value_that_is_not_an_integer_is_refused(value):
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"n_clusters": value})
    assert str(refused.value) == "The number of clusters must be a whole number."


def test_an_unknown_setting_is_named_and_cut_to_a_readable_length():
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"n_clusters": 3, "colour": "full"})
    assert str(refused.value) == "“colour” is not a setting of a recipe."
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"x" * 5000: 1})
    assert len(str(refused.value)) < 200


def test_a_recipe_of_a_newer_release_is_refused_as_such():
    with pytest.raises(BadRecipe) as refused:
        Recipe.from_mapping({"schema": 3, "n_clusters": 3, "smoothing": 0.5})
    assert str(refused.value) == "This recipe was written by a newer release (schema 3)."


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().seed = 1


def test_a_refused_recipe_crosses_process_borders_with_its_sentence():
    with pytest.raises(BadRecipe) as refused:
        Recipe(n_clusters=99)
    copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - written one call before
    assert (type(copy), copy.code, str(copy)) == (BadRecipe, "bad_recipe", str(refused.value))


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({"n_clusters": 9, "covariance": "diag", "seed": 4, "exact": True}, True),
        ({"features": "lab"}, False),
        ({"texture": 1}, False),
        ({"position": True}, False),
        ({"preset": "regions"}, False),
    ],
)
def test_recipes_with_the_same_features_are_recognised(change, alike):
    assert Recipe().extracts_same_features(Recipe.from_mapping(change)) is alike


def test_the_preset_areas_shares_pixels_on_borders():
    assert Recipe(preset="areas").covariance is Covariance.MIXED
    assert Recipe(preset="areas", covariance="tied").covariance is Covariance.TIED
    assert Recipe().covariance is Covariance.FULL
    assert Recipe.from_mapping(Recipe(preset="areas").to_mapping()) == Recipe(preset="areas")


def test_only_recipes_that_older_releases_do_not_know_have_the_new_schema():
    assert Recipe().to_mapping()["schema"] == 1
    assert Recipe(preset="areas").to_mapping()["schema"] == 2
    assert Recipe(covariance="mixed").to_mapping()["schema"] == 2
