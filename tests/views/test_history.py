import re
from datetime import timedelta

import pytest
from django.utils import timezone

from segmentation import services
from segmentation.engine.recipe import Recipe
from segmentation.models import Job, Run
from segmentation.views.history import PAGE_SIZE
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)

QUERIES = 6
"""Queries: session, person, counts by state, number of images without a run, runs with job, image and result, revisions."""


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def shown(browser, query=""):
    page = markup(browser.get(f"/history/{query}"))
    return re.findall(r'class="cover" href="/runs/([0-9a-f-]+)/"', page)


def counts(browser, query=""):
    page = markup(browser.get(f"/history/{query}"))
    return dict(re.findall(r'<a href="\?[^"]*"[^>]*>(\w[\w ]*)<span class="n">(\d+)</span>', page))


def test_empty_history_says_what_it_is_for_and_offers_the_first_step(browser):
    page = markup(browser.get("/history/"))
    assert "Your runs will appear here" in page
    assert "/samples/" in page


def test_own_runs_newest_first(browser, image, stranger):
    first = services.create_run(image=image, recipe=Recipe())
    second = services.create_run(image=image, recipe=Recipe())
    Job.objects.filter(pk=first.pk).update(created=timezone.now() - timedelta(hours=1))
    assert shown(browser) == [str(second.pk), str(first.pk)]
    browser.force_login(stranger)
    assert shown(browser) == []


def test_even_staff_see_only_their_own_runs_in_their_history(client, staff, finished_run):
    client.force_login(staff)
    assert shown(client) == []


def test_search_and_state_filter_stay_in_the_address(browser, finished_run):
    waiting = services.create_run(image=finished_run.image, recipe=Recipe())
    name = finished_run.image.name
    assert set(shown(browser)) == {str(waiting.pk), str(finished_run.pk)}
    assert shown(browser, "?state=finished") == [str(finished_run.pk)]
    assert shown(browser, f"?q={name[:4].upper()}&state=running") == [str(waiting.pk)]
    assert shown(browser, "?q=nothing-like-it") == []
    page = markup(browser.get(f"/history/?q={name[:4]}"))
    assert f'href="?q={name[:4]}&amp;state=finished"' in page
    assert counts(browser) == {"All": "2", "Finished": "1", "Running": "1", "Failed": "0"}


def test_cancelled_runs_get_a_filter_of_their_own(browser, queued_run):
    services.cancel_run(run=queued_run)
    assert counts(browser)["Cancelled"] == "1"
    assert shown(browser, "?state=cancelled") == [str(queued_run.pk)]
    assert shown(browser, "?state=failed") == []


def test_picture_whose_runs_were_deleted_is_still_found(browser, finished_run):
    image = finished_run.image
    services.delete_run(run=finished_run)
    assert counts(browser)["Not run"] == "1"
    page = markup(browser.get("/history/?state=none"))
    assert f'class="cover" href="{image.get_absolute_url()}"' in page


def test_runs_of_one_picture(browser, finished_run):
    assert shown(browser, f"?image={finished_run.image_id}") == [str(finished_run.pk)]
    assert shown(browser, "?image=00000000-0000-0000-0000-000000000000") == []


@pytest.mark.parametrize("query", ["?state=x&page=99&image=x", "?q=%00", "?page=x"])
def test_address_that_makes_no_sense_shows_everything(browser, finished_run, query):
    assert shown(browser, query) == [str(finished_run.pk)]


def test_days_are_named(browser, image):
    run = services.create_run(image=image, recipe=Recipe())
    assert "Today" in markup(browser.get("/history/"))
    Job.objects.filter(pk=run.pk).update(created=timezone.now() - timedelta(days=1))
    assert "Yesterday" in markup(browser.get("/history/"))


def test_pages_keep_the_filters(browser, image, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 100
    for _ in range(PAGE_SIZE + 1):
        services.create_run(image=image, recipe=Recipe())
    assert len(shown(browser)) == PAGE_SIZE
    page = markup(browser.get("/history/?state=running"))
    assert 'rel="next" href="?state=running&amp;page=2"' in page
    assert len(shown(browser, "?state=running&page=2")) == 1
    assert set(shown(browser)) | set(shown(browser, "?page=2")) == {
        str(pk) for pk in Run.objects.values_list("pk", flat=True)
    }


@pytest.mark.parametrize("number", [1, 3])
def test_number_of_queries_does_not_depend_on_the_number_of_runs(
    browser, finished_run, copy_of, django_assert_num_queries, number
):
    for _ in range(number - 1):
        copy_of(finished_run)
    assert len(shown(browser)) == number
    with django_assert_num_queries(QUERIES):
        browser.get("/history/")


def test_each_card_offers_what_can_be_done(browser, finished_run):
    page = markup(browser.get("/history/?q="))
    assert f"/images/{finished_run.image_id}/run/" in page
    assert f"/runs/{finished_run.pk}/delete/?next=%2Fhistory%2F%3Fq%3D" in page
    assert f"/images/{finished_run.image_id}/delete/?next=" in page
