import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from segmentation.admin import RunAdmin
from segmentation.models import Job, Run
from tests.admin.conftest import copy_result, image_row, make_images, make_runs

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/segmentation/run/"
QUERIES = 6
"""Queries: session, person, two for permissions, the capped count, the runs with their joins; then the revisions."""


def page(browser, query=""):
    response = browser.get(f"{LIST}{query}")
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def shown(browser, query=""):
    return re.findall(r'name="_selected_action" value="([0-9a-f-]+)"', page(browser, query))


def ids(*runs):
    return [str(run.pk) for run in runs]


def cells(text, name):
    """Return the text of a column, with narrow spaces replaced by normal ones."""
    return [
        " ".join(html.unescape(re.sub("<[^>]+>", " ", cell)).split())
        for cell in re.findall(rf'<t[dh] class="field-{name}[^"]*">(.*?)</t[dh]>', text, re.DOTALL)
    ]


def test_a_row_shows_both_pictures_and_the_numbers_of_its_run(admin, finished_run):
    text = page(admin)
    image, run = finished_run.image_id, finished_run.pk
    for address in (
        f"/images/{image}/thumbnail",
        f"/runs/{run}/thumbnail",
        f"/images/{image}/display",
        f"/runs/{run}/segmented.png",
    ):
        assert f'"{address}"' in text
        answer = admin.get(address)
        assert answer.status_code == 200
        answer.close()
    assert cells(text, "file_name") == ["phantom.png 48 × 36"]
    assert cells(text, "owner") == ["owner"]
    assert cells(text, "state") == ["Finished"]
    assert cells(text, "clusters") == ["3 clusters"]
    assert re.fullmatch(r"foreground \d+\.\d %", cells(text, "foreground")[0])
    assert re.fullmatch(r"\d+\.\d\d s", cells(text, "duration")[0])
    assert cells(text, "created") == ["just now"]
    assert f'href="{LIST}{run}/change/"' in text


def test_a_run_without_result_leaves_places_empty(admin, image):
    make_runs(image, state="running")
    text = page(admin)
    assert cells(text, "state") == ["Running, 58 %"]
    assert (cells(text, "foreground"), cells(text, "duration")) == (["–"], ["–"])
    assert "/segmented.png" not in text


def test_newest_first_and_oldest_first_when_asked(admin, image):
    new, old = make_runs(image, 2)
    assert shown(admin) == ids(new, old)
    assert shown(admin, "?o=8") == ids(old, new)


def test_only_the_date_can_be_sorted_by_because_only_it_has_an_index(admin, image):
    make_runs(image, 2)
    assert set(re.findall(r'href="\?o=-?(\d)[^"]*"', page(admin))) == {"8"}


def test_the_state_filter(admin, image):
    made = {state: make_runs(image, state=state)[0] for state in ("queued", "running", "failed", "cancelled")}
    assert shown(admin, "?state=failed") == ids(made["failed"])
    assert shown(admin, "?state=queued") == ids(made["queued"])
    assert shown(admin, "?state=succeeded") == []
    assert shown(admin, "?state=cancelled") == ids(made["cancelled"])


@pytest.mark.parametrize(
    "query", ["?state=nonsense", "?since=yesterday", "?until=2026-02-30", "?owner=x", "?image=x", "?since=0001-01-01"]
)
def test_what_makes_no_sense_is_answered_with_the_whole_list(admin, image, query):
    run = make_runs(image)[0]
    answer = admin.get(f"{LIST}{query}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}?e=1")
    assert shown(admin, "?e=1") == ids(run)


def test_the_date_range_has_both_its_days_in_it(admin, image):
    today = timezone.localdate()
    runs = [make_runs(image, age=timedelta(days=days))[0] for days in (0, 1, 2, 3)]
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for days, run in enumerate(runs):
        Job.objects.filter(pk=run.pk).update(created=midnight - timedelta(days=days))
    day = [(today - timedelta(days=days)).isoformat() for days in range(4)]
    assert shown(admin, f"?since={day[2]}&until={day[1]}") == ids(runs[1], runs[2])
    assert shown(admin, f"?since={day[1]}") == ids(runs[0], runs[1])
    assert shown(admin, f"?until={day[2]}") == ids(runs[2], runs[3])
    assert shown(admin, f"?since={day[0]}&until={day[1]}") == []


def test_the_links_of_the_date_filter(admin, image):
    new, old = make_runs(image)[0], make_runs(image, age=timedelta(days=10))[0]
    text = page(admin, "?state=queued")
    links = dict(re.findall(r'<a href="(\?[^"]*)">\s*(Today|Past 7 days|Past 30 days|This year)</a>', text))
    assert set(links.values()) == {"Today", "Past 7 days", "Past 30 days", "This year"}
    address = {words: link.replace("&amp;", "&") for link, words in links.items()}
    assert all("state=queued" in link for link in address.values())
    assert shown(admin, address["Past 7 days"]) == ids(new)
    assert shown(admin, address["Past 30 days"]) == ids(new, old)
    chosen = page(admin, address["Past 30 days"])
    assert re.search(r'<li class="selected">\s*<a[^>]*>Past 30 days</a>', chosen)


def test_the_date_form_keeps_search_and_state_and_needs_no_script(admin, image):
    make_runs(image)
    text = page(admin, "?q=phantom&state=queued&since=2020-01-01")
    form = re.search(r'<form class="dates".*?</form>', text, re.DOTALL)[0]
    assert '<input type="hidden" name="q" value="phantom">' in form
    assert '<input type="hidden" name="state" value="queued">' in form
    assert re.search(r'type="date"\s+name="since"\s+value="2020-01-01"', form)
    assert form.count('name="since"') == 1


def test_search_finds_names_owners_and_beginnings_of_ids(admin, owner, stranger):
    mine, other = make_images(image_row(owner, name="Slide 0412.tif"), image_row(stranger, name="moon.png"))
    run, moon = make_runs(mine)[0], make_runs(other)[0]
    assert shown(admin, "?q=slide") == ids(run)
    assert shown(admin, "?q=0412+owner") == ids(run)
    assert shown(admin, "?q=moon+owner") == []
    assert shown(admin, "?q=STRANGER") == ids(moon)
    assert shown(admin, f"?q={run.pk}") == ids(run)
    assert shown(admin, f"?q={str(run.pk)[:4]}-{str(run.pk)[4:8]}") == ids(run)
    assert shown(admin, f"?q={mine.pk}") == ids(run)
    assert shown(admin, "?q=%22slide+0412%22") == ids(run)
    assert shown(admin, "?q=nothing") == []


def test_search_gives_the_same_runs_when_very_many_images_match(admin, owner, monkeypatch):
    images = make_images(*(image_row(owner, name=f"scan-{number}.png") for number in range(4)))
    runs = [make_runs(image, age=timedelta(hours=hours))[0] for hours, image in enumerate(images)]
    few = shown(admin, "?q=scan")
    monkeypatch.setattr("segmentation.admin.runs.MAX_ROWS", 2)
    assert shown(admin, "?q=scan") == few == ids(*runs)
    assert shown(admin, "?q=scan-3") == ids(runs[3])


def test_a_click_on_an_owner_or_an_images_runs_narrows_the_list(admin, owner, stranger):
    mine, other = make_images(image_row(owner), image_row(stranger))
    run, foreign = make_runs(mine)[0], make_runs(other)[0]
    assert f'href="{LIST}?owner={owner.pk}"' in page(admin)
    assert shown(admin, f"?owner={owner.pk}") == ids(run)
    assert shown(admin, f"?image={other.pk}") == ids(foreign)
    assert "By owner" in page(admin, f"?owner={owner.pk}")
    assert "By owner" not in page(admin)


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_a_constant_number_of_queries(admin, finished_run, count, django_assert_num_queries):
    for other in make_runs(finished_run.image, count - 1, state="succeeded"):
        copy_result(finished_run, other)
    with django_assert_num_queries(QUERIES + 1):
        assert len(shown(admin)) == count


@pytest.mark.parametrize("count", [1, 3])
def test_search_and_filters_cost_a_constant_number_of_queries(admin, image, count, django_assert_num_queries):
    make_runs(image, count, state="failed")
    with django_assert_num_queries(QUERIES + 3):  # the image names, the owner's name, and the revisions
        assert len(shown(admin, f"?q=phantom&state=failed&owner={image.owner_id}&since=2020-01-01")) == count


def test_thousands_of_runs_are_neither_counted_nor_sorted(admin, image, staff, django_assert_num_queries):
    make_runs(image, 600, state="failed")
    make_runs(image, 1400, state="cancelled", age=timedelta(days=1))
    with django_assert_num_queries(QUERIES + 1):
        text = page(admin, "?state=cancelled&p=40")
    assert len(re.findall("_selected_action", text)) == 25
    request = RequestFactory().get(LIST, {"state": "cancelled", "since": "2020-01-01"})
    request.user = staff
    plan = RunAdmin(Run, site).get_changelist_instance(request).queryset[:25].explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX job_newest" in plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan
        assert "SCAN segmentation_" not in plan


def test_a_list_that_is_too_long_to_count_says_so_and_offers_no_select_all(admin, image, monkeypatch):
    make_runs(image, 60)
    whole = page(admin)
    assert "Select all 60 runs" in whole
    assert "60\n" in whole
    monkeypatch.setattr("segmentation.admin.listing.MAX_ROWS", 30)
    text = page(admin)
    assert "Only the first 30 runs are listed" in text
    assert "Select all 30 runs" not in text
    assert len(shown(admin, "?p=2")) == 5


def test_the_original_of_a_row_is_hidden_from_staff_who_may_not_view_images(staff_with, finished_run):
    text = page(staff_with("view_run"))
    assert f"/runs/{finished_run.pk}/thumbnail" in text
    assert f"/images/{finished_run.image_id}/" not in text


def test_names_are_shown_as_text(admin, owner):
    make_runs(make_images(image_row(owner, name="<script>alert(1)</script>.png"))[0])
    text = page(admin)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_an_empty_list_is_an_answer_too(admin):
    text = page(admin)
    assert "_selected_action" not in text
    assert re.search(r'class="paginator">\s*0\s+runs', text)
