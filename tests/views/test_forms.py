import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation.engine.recipe import Recipe
from segmentation.forms import LegendForm, RecipeForm, UploadForm


@pytest.mark.parametrize("given", ["2", "5", " 32 "])
def test_number_of_clusters_becomes_a_recipe(given):
    form = RecipeForm({"n_clusters": given})
    assert form.is_valid()
    assert form.recipe == Recipe(n_clusters=int(given))


def test_no_number_means_the_default():
    form = RecipeForm({})
    assert form.is_valid()
    assert form.recipe == Recipe()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("1", "The number of clusters must be between 2 and 32."),
        ("33", "The number of clusters must be between 2 and 32."),
        ("-4", "The number of clusters must be a whole number."),
        ("many", "The number of clusters must be a whole number."),
        ("2.5", "The number of clusters must be a whole number."),
    ],
)
def test_numbers_out_of_range_are_explained(given, problem):
    form = RecipeForm({"n_clusters": given})
    assert not form.is_valid()
    assert form.problem == problem


@pytest.mark.parametrize(("given", "shown"), [("7", 7), ("99", 99), ("x", 3), ("", 3), ("²", 3)])
def test_field_shows_what_was_asked_for_if_it_is_a_number(given, shown):
    assert RecipeForm({"n_clusters": given}).n_clusters_shown == shown


def test_upload_without_a_picture_says_so():
    form = UploadForm({"n_clusters": "4"}, {})
    assert not form.is_valid()
    assert form.problem == "No picture was chosen."


def test_empty_file_is_left_to_the_service_to_refuse():
    form = UploadForm({"n_clusters": "4"}, {"image": SimpleUploadedFile("a.png", b"")})
    assert form.is_valid()


def test_check_boxes_that_are_off_mean_background():
    form = LegendForm({"revision": "2", "foreground": ["0", "2"]}, n_clusters=4)
    assert form.is_valid()
    assert form.cleaned_data["revision"] == 2
    assert form.chosen == {0: True, 1: False, 2: True, 3: False}


def test_no_check_box_is_all_background():
    form = LegendForm({"revision": "0"}, n_clusters=2)
    assert form.is_valid()
    assert form.chosen == {0: False, 1: False}


@pytest.mark.parametrize("data", [{"revision": "0", "foreground": ["7"]}, {"foreground": ["0"]}, {"revision": "x"}])
def test_table_of_another_run_is_not_accepted(data):
    assert not LegendForm(data, n_clusters=2).is_valid()


def test_every_setting_becomes_part_of_the_recipe():
    sent = {
        "n_clusters": "5", "preset": "colours", "covariance": "diag", "seed": "7", "restarts": "4", "tolerance": "1e-6",
        "max_iterations": "9", "exact": "on",
    }  # fmt: skip
    form = RecipeForm(sent)
    assert form.is_valid()
    expected = Recipe.from_mapping(sent)
    assert form.recipe == expected


@pytest.mark.parametrize(("auto", "n_clusters"), [("on", None), ("", 8)])
def test_regions_are_counted_by_the_engine_when_the_box_is_on(auto, n_clusters):
    form = RecipeForm({"preset": "regions", "n_clusters": "8", "auto": auto})
    assert form.is_valid()
    assert form.recipe.n_clusters == n_clusters


def test_of_colours_the_number_can_be_left_to_the_engine_too():
    form = RecipeForm({"preset": "colours", "n_clusters": "8", "auto": "on"})
    assert form.is_valid()
    assert form.recipe.n_clusters is None


def test_what_is_wrong_stands_at_its_field():
    form = RecipeForm({"n_clusters": "5", "tolerance": "much"})
    assert not form.is_valid()
    assert form.errors == {"tolerance": ["The tolerance must be a number."]}
    assert form.opened
