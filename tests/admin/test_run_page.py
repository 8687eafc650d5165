import re

import pytest
from django.contrib.admin.models import LogEntry

from segmentation import services
from segmentation.models import Image, Job, Result, Revision, Run
from segmentation.models.jobs import State
from tests.admin.conftest import make_runs

pytestmark = pytest.mark.django_db(transaction=True)

QUERIES = 9


def address(run, verb="change"):
    return f"/admin/segmentation/run/{run.pk}/{verb}/"


def facts(text):
    return {
        name: " ".join(re.sub("<[^>]+>", " ", value).split())
        for name, value in re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", text, re.DOTALL)
    }


def state_of(run):
    return Job.objects.get(pk=run.pk).state


def test_a_finished_run_shows_everything_that_is_known_of_it(admin, finished_run):
    run = finished_run
    text = admin.get(address(run)).content.decode()
    said = facts(text)
    assert said["State"] == "Finished"
    assert said["Owner"] == "owner"
    assert (said["Clusters"], said["Seed"]) == ("3", "0")
    assert "nats per pixel" in said["Log-likelihood"]
    assert said["Iterations"].startswith(str(run.result.iterations))
    assert said["SHA-256 of the label map"] == run.result.pixels_sha256
    assert said["Attempts"] == "1"
    assert run.result.versions
    assert all(version in said["Versions"] for version in run.result.versions.values())
    rows = services.stored_result(run=run).clusters
    assert [row.mean_colour for row in rows] == re.findall(r"<td[^>]*>(#[0-9a-f]{6})</td>", text)
    for picture in (f"/images/{run.image_id}/display", f"/runs/{run.pk}/segmented.png", f"/runs/{run.pk}/binary.png"):
        assert re.search(rf'<a href="{picture}">\s*<img src="{picture}"', text)
    assert f'href="{run.get_absolute_url()}"' in text
    assert "<input" not in re.sub(r"<header.*?</header>", "", text, flags=re.DOTALL)


def test_a_failed_run_says_why_in_words_and_with_its_code(admin, image):
    run = make_runs(image, state="failed")[0]
    said = facts(admin.get(address(run)).content.decode())
    assert said["Code"] == "out_of_memory"
    assert said["Message"] == "It needed more memory than it may take."
    assert "Log-likelihood" not in said


def test_revisions_are_listed_with_their_authors(admin, finished_run, owner):
    services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: True})
    text = admin.get(address(finished_run)).content.decode()
    table = re.findall(r'<th scope="row" class="num">(\d+)</th>\s*<td>(.*?)</td>', text)
    assert table == [("1", "owner"), ("0", "GMM Studio")]


def test_the_page_costs_a_constant_number_of_queries(admin, finished_run, owner, django_assert_num_queries):
    admin.get(address(finished_run))  # content types are kept in memory from now on
    for expected in range(3):
        services.edit_legend(run=finished_run, author=owner, expected=expected, foreground={0: expected % 2 == 0})
        with django_assert_num_queries(QUERIES):
            assert admin.get(address(finished_run)).status_code == 200


def test_a_post_to_the_page_changes_nothing(admin, finished_run):
    before = [list(model.objects.values()) for model in (Run, Job, Result, Revision, Image)]
    answer = admin.post(address(finished_run), {"n_clusters": 7, "state": "queued", "_save": "Save"})
    assert answer.status_code == 403
    assert [list(model.objects.values()) for model in (Run, Job, Result, Revision, Image)] == before


def test_nothing_can_be_added(admin, image):
    for model in ("run", "image", "worker"):
        assert admin.get(f"/admin/segmentation/{model}/add/").status_code == 403
        assert admin.post(f"/admin/segmentation/{model}/add/", {}).status_code == 403
        assert "addlink" not in admin.get(f"/admin/segmentation/{model}/").content.decode()
    assert not Run.objects.exists()


def test_a_waiting_run_is_cancelled_and_tried_again_from_its_page(admin, queued_run):
    assert f'action="{address(queued_run, "cancel")}"' in admin.get(address(queued_run)).content.decode()
    answer = admin.post(address(queued_run, "cancel"), follow=True)
    assert answer.redirect_chain == [(address(queued_run), 302)]
    assert "1 run was cancelled." in answer.content.decode()
    assert state_of(queued_run) == State.CANCELLED
    text = admin.get(address(queued_run)).content.decode()
    assert address(queued_run, "cancel") not in text
    assert f'action="{address(queued_run, "retry")}"' in text
    assert "1 run was queued again." in admin.post(address(queued_run, "retry"), follow=True).content.decode()
    assert state_of(queued_run) == State.QUEUED
    assert list(LogEntry.objects.order_by("id").values_list("change_message", flat=True)) == [
        "Cancelled. Owner: owner.",
        "Queued again. Owner: owner.",
    ]


def test_a_finished_run_offers_neither_and_refuses_both(admin, finished_run):
    text = admin.get(address(finished_run)).content.decode()
    for verb in ("cancel", "retry"):
        assert address(finished_run, verb) not in text
        assert "1 run was not changed: " in admin.post(address(finished_run, verb), follow=True).content.decode()
    assert state_of(finished_run) == State.SUCCEEDED


def test_cancel_and_retry_need_a_post_and_the_permission(admin, staff_with, queued_run):
    for verb in ("cancel", "retry"):
        assert admin.get(address(queued_run, verb)).status_code == 405
    viewer = staff_with("view_run", "view_image")
    text = viewer.get(address(queued_run)).content.decode()
    for verb in ("cancel", "retry"):
        assert address(queued_run, verb) not in text
        assert viewer.post(address(queued_run, verb)).status_code == 403
    assert state_of(queued_run) == State.QUEUED


def test_a_run_that_is_not_there(admin, queued_run):
    gone = "00000000-0000-0000-0000-000000000000"
    assert admin.post(f"/admin/segmentation/run/{gone}/cancel/").status_code == 404
    assert admin.get(f"/admin/segmentation/run/{gone}/change/").status_code == 302
    assert admin.get("/admin/segmentation/run/nonsense/change/").status_code == 302
