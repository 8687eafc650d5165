import re
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import RequestFactory

from segmentation.admin import ImageAdmin
from segmentation.models import Image, Job
from tests.admin.conftest import image_row, make_images, make_runs

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/segmentation/image/"


def page(browser, query=""):
    response = browser.get(f"{LIST}{query}")
    assert response.status_code == 200
    return response.content.decode()


def shown(browser, query=""):
    return re.findall(r'name="_selected_action" value="([0-9a-f-]+)"', page(browser, query))


def test_a_row_shows_the_picture_its_newest_result_and_its_runs(admin, finished_run):
    make_runs(finished_run.image, state="failed", age=-timedelta(hours=1))
    text = page(admin)
    assert f"/images/{finished_run.image_id}/thumbnail" in text
    assert f"/runs/{finished_run.pk}/segmented.png" in text
    assert f'href="/admin/segmentation/run/?image={finished_run.image_id}">2<' in text
    assert "Failed" in text
    assert "48 × 36" in text


def test_search_date_and_owner_find_images(admin, owner, stranger):
    mine, other = make_images(image_row(owner, name="slide.tif"), image_row(stranger, name="moon.png"))
    Image.objects.filter(pk=other.pk).update(created=other.created - timedelta(days=40))
    assert shown(admin) == [str(mine.pk), str(other.pk)]
    assert shown(admin, "?q=SLIDE") == [str(mine.pk)]
    assert shown(admin, "?q=stranger") == [str(other.pk)]
    assert shown(admin, f"?q={str(mine.pk)[:8]}") == [str(mine.pk)]
    assert shown(admin, f"?owner={stranger.pk}") == [str(other.pk)]
    assert shown(admin, f"?since={mine.created.date() - timedelta(days=6)}") == [str(mine.pk)]
    assert shown(admin, f"?until={mine.created.date() - timedelta(days=30)}") == [str(other.pk)]


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_a_constant_number_of_queries(admin, owner, count, django_assert_num_queries):
    for image in make_images(*(image_row(owner) for _ in range(count))):
        make_runs(image, 2)
    with django_assert_num_queries(6):
        assert len(shown(admin)) == count


def test_the_list_walks_the_index(staff, owner):
    request = RequestFactory().get(LIST)
    request.user = staff
    plan = ImageAdmin(Image, site).get_changelist_instance(request).queryset[:25].explain()
    if connection.vendor == "sqlite":
        assert "SCAN segmentation_image USING INDEX image_newest" in plan


def test_the_page_shows_pictures_facts_and_runs(admin, finished_run):
    image = finished_run.image
    text = admin.get(f"{LIST}{image.pk}/change/").content.decode()
    assert f'src="/images/{image.pk}/display"' in text
    assert f'src="/runs/{finished_run.pk}/binary.png"' in text
    assert image.sha256 in text
    assert f'href="/admin/segmentation/run/{finished_run.pk}/change/"' in text
    assert admin.post(f"{LIST}{image.pk}/change/", {"name": "other.png"}).status_code == 403
    image.refresh_from_db()
    assert image.name == "phantom.png"


def test_deleting_an_image_names_its_runs_and_takes_everything(admin, finished_run, media):
    address = f"{LIST}{finished_run.image_id}/delete/"
    asked = admin.get(address).content.decode()
    assert "Delete phantom.png?" in asked
    assert re.findall(r"<li>(\w+: \d+)</li>", asked) == ["Images: 1", "Runs: 1"]
    admin.post(address, {"post": "yes"})
    assert not Image.objects.exists()
    assert not Job.objects.exists()
    assert media.keys() == []


def test_deleting_selected_images_takes_everything(admin, finished_run, media):
    data = {"action": "delete_selected", "_selected_action": [str(finished_run.image_id)], "post": "yes"}
    admin.post(LIST, data)
    assert not Image.objects.exists()
    assert media.keys() == []


@pytest.mark.parametrize("count", [1, 30])
def test_the_question_costs_the_same_however_many_runs_there_are(admin, image, count, django_assert_num_queries):
    make_runs(image, count)
    with django_assert_num_queries(6):
        assert f"Runs: {count}" in admin.get(f"{LIST}{image.pk}/delete/").content.decode()


def test_an_image_with_runs_is_not_deleted_by_who_may_not_delete_runs(staff_with, queued_run):
    browser = staff_with("view_image", "delete_image", "view_run")
    address = f"{LIST}{queued_run.image_id}/delete/"
    assert "run" in browser.get(address).content.decode()
    assert browser.post(address, {"post": "yes"}).status_code == 403
    assert Image.objects.count() == 1
