import html
import re

import pytest

from segmentation import services
from segmentation.engine.recipe import Recipe
from segmentation.models import Image, Run
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def test_page_says_what_the_file_was(browser, image):
    page = markup(browser.get(image.get_absolute_url()))
    assert image.name in page
    assert f"{image.width} × {image.height} pixels, {image.format}" in page
    assert f"/images/{image.pk}/original" in page
    assert "No run yet" in page


def test_page_says_in_words_what_was_converted(browser, image):
    image.notices = [{"code": "orientation_applied", "values": {}}]
    image.save()
    assert "About this picture" in markup(browser.get(image.get_absolute_url()))


def test_new_run_of_the_same_image(browser, finished_run):
    image = finished_run.image
    response = browser.post(f"/images/{image.pk}/run/", {"n_clusters": "9", "parent": str(finished_run.pk)})
    run = Run.objects.exclude(pk=finished_run.pk).get()
    assert response.url == f"/runs/{run.pk}/"
    assert (run.image, run.n_clusters, run.parent) == (image, 9, finished_run)
    page = markup(browser.get(image.get_absolute_url()))
    assert page.index(f"/runs/{run.pk}/") < page.index(f"/runs/{finished_run.pk}/")


@pytest.mark.parametrize("parent", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_parent_that_makes_no_sense_is_left_out(browser, image, parent):
    browser.post(f"/images/{image.pk}/run/", {"n_clusters": "2", "parent": parent})
    assert Run.objects.get().parent is None


def test_number_out_of_range_is_explained_beside_the_field(browser, image):
    response = browser.post(f"/images/{image.pk}/run/", {"n_clusters": "40"})
    assert response.status_code == 422
    assert "The number of clusters must be between 2 and 32." in markup(response)
    assert not Run.objects.exists()


def test_form_suggests_what_was_asked_for_last(browser, image):
    browser.post(f"/images/{image.pk}/run/", {"n_clusters": "6"})
    first = Run.objects.get()
    browser.post(f"/images/{image.pk}/run/", {"n_clusters": "11"})
    assert 'value="11"' in markup(browser.get(image.get_absolute_url()))
    assert 'value="6"' in markup(browser.get(f"{image.get_absolute_url()}?like={first.pk}"))


def test_deleting_asks_first_and_names_what_goes(browser, finished_run):
    address = f"/images/{finished_run.image_id}/delete/"
    page = markup(browser.get(address))
    assert f"Delete {finished_run.image.name} and its run?" in page
    assert "This cannot be undone." in page
    assert Image.objects.exists()
    response = browser.post(address)
    assert response.url == "/history/"
    assert not Image.objects.exists()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("given", "goes_to"),
    [("/history/?q=a", "/history/?q=a"), ("https://example.org/", "/history/"), ("//example.org", "/history/")],
)
def test_after_deleting_one_comes_back_to_this_site_only(browser, image, given, goes_to):
    assert browser.post(f"/images/{image.pk}/delete/", {"next": given}).url == goes_to


def test_staff_who_may_only_look_see_no_way_to_change(client, staff, finished_run):
    staff.user_permissions.set(staff.user_permissions.filter(codename__startswith="view_"))
    client.force_login(staff)
    address = finished_run.image.get_absolute_url()
    page = client.get(address)
    assert page.status_code == 200
    assert b"/delete/" not in page.content
    assert client.get(f"{address}delete/").status_code == 403
    assert client.post(f"{address}run/", {"n_clusters": "3"}).status_code == 403


def test_staff_see_whose_picture_it_is_and_are_offered_no_change_of_it(client, staff, finished_run):
    client.force_login(staff)
    page = markup(client.get(finished_run.image.get_absolute_url()))
    assert "This belongs to owner. You see it as staff." in page
    assert f'href="/admin/segmentation/image/{finished_run.image_id}/change/"' in page
    assert "/delete/" not in page
    assert "Run at full size" not in page


def test_runs_of_one_number_of_clusters_are_told_apart_by_their_settings(browser, image):
    settings = {"features": "lab", "smoothness": 0.5, "seed": 7, "smallest_region": 0.001, "exact": True}
    for recipe in (Recipe(n_clusters=3), Recipe.from_mapping({"n_clusters": 3} | settings)):
        services.create_run(image=image, recipe=recipe)
    page = html.unescape(markup(browser.get(image.get_absolute_url())))
    said = re.findall(r'<span class="special" title="(.*?)">', page)
    assert said == [
        "CIE Lab, smoothness 0.5, regions from 0.1\N{NARROW NO-BREAK SPACE}% of the picture, seed 7, all pixels"
    ]


def test_name_of_any_kind_is_shown_as_text(browser, image):
    image.name = "<img src=x onerror=alert(1)>" + "ü" * 170 + ".png"
    image.save()
    page = markup(browser.get(image.get_absolute_url()))
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.mark.parametrize(
    ("field", "given"),
    [("tolerance", "abc"), ("max_iterations", "0"), ("seed", "-1"), ("restarts", "many"), ("smoothness", "2")],
)
def test_what_is_wrong_with_a_setting_is_told_at_its_field(browser, image, field, given):
    page = browser.post(f"/images/{image.pk}/run/", {"n_clusters": "3", field: given}).content.decode()
    (told,) = re.findall(r'<p class="error" id="([\w-]+)"', page)
    (wrong,) = (tag for tag in re.findall(r"<input[^>]*>", page) if 'aria-invalid="true"' in tag)
    assert f'name="{field}"' in wrong
    assert f'value="{given}"' in wrong
    assert told in re.search(r'aria-describedby="([^"]*)"', wrong)[1].split()
