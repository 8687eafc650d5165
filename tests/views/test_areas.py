"""The preset Areas on the pages: the form, the areas by coverage, the hints and the preset that is offered."""

import html
import json
import re

import pytest

from segmentation import execution, services
from segmentation.engine.recipe import Covariance, Preset, Recipe
from segmentation.models import Run
from tests.markup import fields_in, markup

pytestmark = pytest.mark.django_db(transaction=True)

THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def areas_run(image):
    """A finished run of the preset Areas."""
    return finished(image, preset=Preset.AREAS)


def finished(image, **settings):
    run = services.create_run(image=image, recipe=Recipe(**settings))
    execution.serve_until_empty()
    return Run.objects.select_related("job", "image", "result").get(pk=run.pk)


def page_of(browser, thing):
    return html.unescape(markup(browser.get(thing.get_absolute_url())))


def store(run, **extras):
    run.result.extras |= extras
    run.result.save()


def coverage(*, pure=(0.3, 0.3, 0.36), shared=(0.02, 0.02), tied=(0.32, 0.32, 0.36)):
    """Areas of three components, of which the first two share a border."""
    return {
        "pure": list(pure),
        "pairs": [[1, 0]],
        "shared": [list(shared)],
        "by_labels": [0.32, 0.32, 0.36],
        "by_tied": list(tied),
    }


def offered(page, image):
    """Return the fields that the button of the other preset sends."""
    form = re.search("<form[^>]*data-offer.*?</form>", page, re.DOTALL)[0]
    return fields_in(form, f"/images/{image.pk}/run/")


def table_of(page):
    return re.search("<table.*?</table>", page, re.DOTALL)[0]


def test_area_by_coverage_comes_first_with_its_range_and_each_column_says_what_it_is_of(browser, areas_run):
    store(areas_run, coverage=coverage())
    page = page_of(browser, areas_run)
    table = table_of(page)
    headings = re.findall(r"<th[^>]*>(?:<[^>]*>)?\s*([\w ]+)", table)
    assert headings.index("Area by coverage") < headings.index("Range") < headings.index("By labels")
    first = re.search("<tbody>.*?</tr>", table, re.DOTALL)[0]
    assert f"32.0{THIN}%" in first
    assert f"30.8 to 33.2{THIN}%" in first  # 4 % mixed pixels: a quarter of them and 0.2 % to each side
    assert "confidence" not in page
    for sentence in ("counts for both sides", "it held the true area in nine of ten cases", "counts for one side only"):
        assert sentence in page
    described = set(re.findall('aria-describedby="([^"]+)"', table))
    assert all(f'id="{name}"' in page for name in described)


def test_merged_clusters_add_up_and_their_common_border_leaves_the_range(browser, areas_run):
    store(areas_run, coverage=coverage())
    services.edit_legend(run=areas_run, author=None, expected=0, merge=(0, 1))
    page = table_of(page_of(browser, areas_run))
    assert f"64.0{THIN}%" in page
    assert f"63.8 to 64.2{THIN}%" in page
    areas_run.refresh_from_db()
    services.undo_legend(run=areas_run, expected=areas_run.revision, actor=None)
    assert f"30.8 to 33.2{THIN}%" in table_of(page_of(browser, areas_run))


def test_a_result_without_coverage_has_the_table_as_before(browser, finished_run):
    page = page_of(browser, finished_run)
    assert "Area by coverage" not in page
    assert "Share</th>" in page
    answer = browser.get(f"/api/v1/runs/{finished_run.pk}").json()
    assert [cluster["coverage"] for cluster in answer["clusters"]] == [None] * 3
    assert answer["foreground_coverage"] is None


def test_the_api_has_coverage_and_range_beside_the_share(browser, areas_run):
    answer = browser.get(f"/api/v1/runs/{areas_run.pk}").json()
    for cluster in answer["clusters"]:
        assert set(cluster["coverage"]) == {"share", "low", "high"}
        assert cluster["coverage"]["low"] <= cluster["coverage"]["share"] <= cluster["coverage"]["high"]
    assert sum(cluster["coverage"]["share"] for cluster in answer["clusters"]) == pytest.approx(1)
    chosen = [cluster["coverage"]["share"] for cluster in answer["clusters"] if cluster["foreground"]]
    assert answer["foreground_coverage"]["share"] == pytest.approx(sum(chosen))


@pytest.mark.parametrize(
    ("stored", "code", "sentence"),
    [
        (coverage(), "borders_shared", f"4.0{THIN}% of all pixels lie on borders"),
        (
            coverage(tied=(0.351, 0.289, 0.36)),
            "borders_decide",
            "The borders decide the areas of clusters 1 and 2: two ways to share them differ by up to 3.1 percentage points.",
        ),
        (
            coverage(pure=(0.01, 0.5, 0.43), shared=(0.03, 0.03)),
            "more_border_than_inside",
            "Cluster 1 has more border than inside, so its pure colour is a guess.",
        ),
    ],
)
def test_what_people_should_know_of_areas_is_said_in_a_line(browser, areas_run, stored, code, sentence):
    store(areas_run, coverage=stored)
    page = page_of(browser, areas_run)
    lines = re.findall("<li>(.*?)</li>", re.search("<ul[^>]*data-hints.*?</ul>", page, re.DOTALL)[0])
    assert sum(line.startswith(sentence) for line in lines) == 1
    hints = browser.get(f"/api/v1/runs/{areas_run.pk}").json()["hints"]
    assert code in [hint["code"] for hint in hints]


def test_areas_without_borders_need_no_words(browser, areas_run):
    store(areas_run, coverage=coverage(pure=(0.32, 0.32, 0.36), shared=(0, 0)), gain=0.1)
    assert "data-hints" not in page_of(browser, areas_run)


@pytest.mark.parametrize("cleaning", [{"smoothness": 0.3}, {"smallest_region": 0.01}])
def test_cleaning_and_smoothing_are_said_to_change_labels_only(browser, image, cleaning):
    changed = finished(image, preset=Preset.AREAS, **cleaning)
    assert "Cleaning and smoothing change labels, not coverage." in page_of(browser, changed)


def test_a_picture_of_few_materials_is_offered_areas_and_one_click_runs_them(browser, image):
    run = finished(image, n_clusters=4, covariance="diag", seed=7)
    store(run, gain=0.2)
    page = page_of(browser, run)
    assert "This looks like a picture of few materials: Areas will measure their areas more exactly." in page
    response = browser.post(f"/images/{image.pk}/run/", offered(page, image))
    other = Run.objects.exclude(pk=run.pk).get()
    assert response.url == other.get_absolute_url()
    assert Recipe.from_mapping(other.recipe) == Recipe(preset=Preset.AREAS, n_clusters=4, seed=7)
    assert other.recipe["covariance"] == Covariance.MIXED
    assert other.parent_id == run.pk


def test_the_offer_follows_from_the_fit_of_colours(browser, finished_run):
    assert finished_run.result.extras["gain"] > 0
    assert offered(page_of(browser, finished_run), finished_run.image)["preset"] == "areas"


def test_the_offer_keeps_the_number_that_was_chosen_automatically(browser, image):
    run = finished(image, n_clusters=None)
    store(run, gain=0.2)
    assert offered(page_of(browser, run), image)["n_clusters"] == "3"


def test_a_photograph_is_offered_colours(browser, areas_run):
    store(areas_run, gain=-0.2)
    page = page_of(browser, areas_run)
    assert "This looks like a photograph: Colours will follow it more closely." in page
    browser.post(f"/images/{areas_run.image_id}/run/", offered(page, areas_run.image))
    other = Run.objects.exclude(pk=areas_run.pk).get()
    assert Recipe.from_mapping(other.recipe) == Recipe(n_clusters=3)


def test_settings_in_the_address_fill_the_form(browser, image):
    page = html.unescape(markup(browser.get(f"{image.get_absolute_url()}?preset=areas&features=od&n_clusters=2")))
    assert re.search(r'value="areas"[^>]*checked', page)
    assert re.search(r'<option value="od" selected', page)
    assert re.search(r'<a class="chip"[^>]*aria-current="true">Stained tissue', page)
    shown = re.search(r'<option value="full".*?</option>', page, re.DOTALL)[0]
    assert "selected" in shown
    assert "Pixels on borders are shared (mixed)</option>" in shown


def test_a_kind_of_picture_replaces_what_the_form_shows_and_keeps_the_number(browser, image):
    like = finished(image, n_clusters=5, smoothness=0.5, position=True, seed=3)
    page = html.unescape(markup(browser.get(f"{image.get_absolute_url()}?like={like.pk}")))
    links = re.findall(r'href="(\?[^"]*)"[^>]*data-settings=\'?"?', page)
    kinds = dict(zip(["Photograph", "Stained tissue", "Phases in grey", "Satellite", "Poster"], links, strict=True))
    page = markup(browser.get(f"{image.get_absolute_url()}{kinds['Satellite']}"))
    form = next(form for form in re.findall("<form.*?</form>", page, re.DOTALL) if 'name="covariance"' in form)
    address = f"/images/{image.pk}/run/"
    response = browser.post(address, fields_in(form, address))
    run = Run.objects.get(pk=re.search(r"/runs/([^/]+)/", response.url)[1])
    assert Recipe.from_mapping(run.recipe) == Recipe(preset=Preset.AREAS, n_clusters=5, seed=3)


def test_each_kind_of_picture_is_a_valid_recipe(browser, image):
    page = html.unescape(markup(browser.get(image.get_absolute_url())))
    settings = [json.loads(text) for text in re.findall(r'data-settings="(\{.*?\})"', page)]
    assert len(settings) == 5
    for given in settings:
        Recipe.from_mapping({name: text for name, text in given.items() if text})


@pytest.mark.parametrize(
    "name", ["preset", "n_clusters", "smoothness", "smallest_region", "seed", "covariance", "like"]
)
@pytest.mark.parametrize("value", ["inf", "nan", "1e400", "-1", "²", "<b>", "9" * 400, "\0"])
def test_nonsense_in_the_address_leaves_a_page(browser, image, name, value):
    page = browser.get(image.get_absolute_url(), {name: value})
    assert page.status_code == 200
    posted = browser.post(f"{image.get_absolute_url()}run/", {name: value})
    assert posted.status_code in {302, 422}
    assert '"<b>"' not in page.content.decode()
