"""Every page of the administration: permissions, content, and no inline script or style."""

import re

import pytest
from django.contrib.admin import site
from django.utils import timezone

from segmentation.models import Image, PeriodicTask, Worker
from segmentation.models.periodic_tasks import PeriodicTaskName
from tests.admin.conftest import make_runs

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = ("periodictask", "image", "run", "user", "worker")


def pages(run, worker):
    PeriodicTask.objects.get_or_create(
        name=PeriodicTaskName.FILES, defaults={"due": timezone.now(), "report": {"kept": 1}}
    )
    keys = {
        "periodictask": PeriodicTaskName.FILES.value,
        "image": run.image_id,
        "run": run.pk,
        "user": run.job.owner_id,
        "worker": worker.pk,
    }
    lists = [f"/admin/segmentation/{model}/" for model in MODELS]
    single = [
        f"/admin/segmentation/{model}/{key}/{view}/" for model, key in keys.items() for view in ("change", "history")
    ]
    questions = [f"/admin/segmentation/{model}/{keys[model]}/delete/" for model in ("image", "run", "user")]
    return ["/admin/", "/admin/segmentation/", "/admin/segmentation/user/add/", *lists, *single, *questions]


def test_what_is_there_for_staff():
    assert {model._meta.label for model in site._registry} == {
        "segmentation.User", "segmentation.PeriodicTask", "segmentation.Image", "segmentation.Run", "segmentation.Worker", "auth.Group", "account.EmailAddress",
        "admin.LogEntry",
    }  # fmt: skip


def test_people_who_are_not_staff_are_sent_to_the_sign_in_page(client, stranger, finished_run, worker_row):
    for address in pages(finished_run, worker_row):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={address}")
        assert client.get(answer.headers["Location"]).headers["Location"].startswith("/accounts/login/?next=")
    client.force_login(stranger)
    for address in pages(finished_run, worker_row):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={address}")
        assert client.get(answer.headers["Location"]).status_code == 403


def test_staff_without_permissions_see_nothing(staff_with, finished_run, worker_row):
    browser = staff_with()
    for address in pages(finished_run, worker_row)[3:]:
        assert browser.get(address).status_code in {302, 403}, address
    for model in MODELS:
        assert browser.get(f"/admin/segmentation/{model}/").status_code == 403
    assert "You don’t have permission" in browser.get("/admin/").content.decode()


def test_no_page_has_anything_inline(admin, finished_run, worker_row):
    for address in pages(finished_run, worker_row):
        answer = admin.get(address)
        text = answer.content.decode()
        assert answer.status_code == 200, address
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), address
        assert all("src=" in script for script in re.findall(r"<script[^>]*>", text)), address


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_of_the_cookie_is_on_every_page(admin, theme):
    admin.cookies["theme"] = theme
    assert f'data-theme="{theme}"' in admin.get("/admin/").content.decode()
    admin.cookies["theme"] = "nonsense"
    assert "data-theme=" not in re.search("<html[^>]*>", admin.get("/admin/").content.decode())[0]


def test_our_styles_come_last(admin):
    sheets = re.findall(
        r'<link rel="stylesheet" href="/static/([^"]+)"', admin.get("/admin/segmentation/run/").content.decode()
    )
    assert sheets[-2:] == ["css/tokens.css", "css/admin.css"]
    assert "admin/css/responsive.css" in sheets


def test_trashed_images_and_their_runs_are_gone(admin, finished_run):
    Image.objects.update(trashed=timezone.now())
    for model in ("image", "run"):
        assert "_selected_action" not in admin.get(f"/admin/segmentation/{model}/").content.decode()


def test_workers_are_looked_at_and_not_touched(admin, worker_row, image):
    gone = Worker.objects.create(host="there", release="old", slots=1)
    Worker.objects.mark_ended(gone.pk)
    run = make_runs(image, state="running")[0]
    type(run.job).objects.filter(pk=run.pk).update(worker=worker_row)
    text = admin.get("/admin/segmentation/worker/").content.decode()
    assert re.findall(r'<td class="field-condition">(.*?)</td>', text) == ["Active", "Ended"]
    assert re.findall(r'<td class="field-running_jobs">(.*?)</td>', text) == ["1", "0"]
    alive = admin.get("/admin/segmentation/worker/?alive=1").content.decode()
    assert re.findall(r'<td class="field-condition">(.*?)</td>', alive) == ["Active"]
    address = f"/admin/segmentation/worker/{worker_row.pk}"
    assert admin.post(f"{address}/change/", {"host": "x"}).status_code == 403
    assert admin.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    assert Worker.objects.get(pk=worker_row.pk).host == "here"


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_workers_costs_a_constant_number_of_queries(admin, count, django_assert_num_queries):
    for number in range(count):
        Worker.objects.create(host=f"host-{number}", release="test", slots=2)
    with django_assert_num_queries(6):
        text = admin.get("/admin/segmentation/worker/").content.decode()
    assert text.count("field-condition") == count
