import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation import execution, files, services
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.models import Run
from tests import factories
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def file(data=None, name="mask.png"):
    return SimpleUploadedFile(name, factories.encoded(factories.bar_mask()) if data is None else data)


def send(browser, image, **fields):
    return browser.post(f"/images/{image.pk}/run/", {"n_clusters": "3"} | fields)


def newest():
    return Run.objects.newest_first().select_related("parent").first()


def test_a_mask_is_taken_with_the_form(browser, image):
    response = send(browser, image, mask_file=file())
    run = newest()
    assert response.url == run.get_absolute_url()
    assert files.exists(files.run_input_key(run.pk, run.inputs["mask"]))
    execution.serve_until_empty()
    page = markup(browser.get(run.get_absolute_url()))
    assert "12.5" in page
    assert "left out" in page
    assert f"/runs/{run.pk}/mask.png" in page


def test_a_failed_run_says_that_it_had_a_mask(browser, image):
    run = factories.make_run(image, inputs=Inputs(mask=factories.make_mask(image)))
    services.cancel_run(run=run)
    assert "some pixels left out" in markup(browser.get(run.get_absolute_url()))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no picture", "It is not a picture in a known format."),
        (factories.encoded(factories.bar_mask(9, 9)), "The mask has 9 × 9 pixels, the picture 48 × 36"),
        (factories.encoded(factories.bar_mask(), "JPEG"), "A mask must be a PNG, TIFF, BMP or GIF"),
    ],
)
def test_what_is_wrong_with_a_mask_stands_beside_it_and_the_settings_stay(browser, image, data, says):
    response = send(browser, image, n_clusters="7", mask_file=file(data, "mask"), smoothness="0.5")
    page = markup(response)
    assert response.status_code == 422
    assert says in page
    assert 'id="run-mask-error"' in page
    assert 'id="clusters-error"' not in page
    assert 'value="7"' in page
    assert 'value="0.5"' in page
    assert not Run.objects.exists()


def test_a_good_mask_need_not_be_chosen_again_when_something_else_is_wrong(browser, image):
    response = send(browser, image, n_clusters="40", mask_file=file())
    page = markup(response)
    assert response.status_code == 422
    assert "The number of clusters must be between 2 and 32." in page
    assert "The mask just uploaded" in page
    mask = factories.make_mask(image)
    assert f'<option value="{mask}" selected>' in page
    send(browser, image, mask=mask)
    assert newest().inputs["mask"] == mask


@pytest.mark.parametrize(
    ("mask", "says"),
    [(255 - factories.bar_mask(), "It leaves out 87.5"), (0 * factories.bar_mask(), "It leaves out nothing")],
)
def test_an_unusual_mask_is_asked_about_and_kept_until_it_is_confirmed(browser, image, mask, says):
    first = send(browser, image, n_clusters="7", mask_file=file(factories.encoded(mask)))
    page = markup(first)
    assert (first.status_code, Run.objects.count()) == (422, 0)
    assert says in page
    assert 'value="7"' in page
    (key,) = set(re.findall(r'name="mask_asked" value="(\w+)"', page))
    assert f'<option value="{key}" selected>' in page
    again = send(browser, image, mask=key, mask_asked=key)
    assert (again.status_code, Run.objects.count()) == (422, 0)
    assert "Confirm that this mask is meant as it is" in markup(again)
    sent = send(browser, image, mask=key, mask_asked=key, mask_confirmed=key)
    assert sent.url == newest().get_absolute_url()
    assert newest().inputs["mask"] == key


def test_whoever_is_asked_about_a_mask_can_do_without_it(browser, image):
    page = markup(send(browser, image, mask_file=file(factories.encoded(255 - factories.bar_mask()))))
    (key,) = set(re.findall(r'name="mask_asked" value="(\w+)"', page))
    send(browser, image, mask="", mask_asked=key)
    assert newest().inputs == {"schema": 1}


def test_a_full_queue_keeps_the_form_and_its_mask(browser, image, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 0
    page = markup(send(browser, image, n_clusters="7", mask_file=file()))
    assert "You have reached the limit of waiting and active runs (0)" in page
    assert "The mask just uploaded" in page
    assert 'value="7"' in page


def test_running_again_leaves_the_same_out(browser, image):
    run = factories.make_run(image, inputs=Inputs(mask=factories.make_mask(image)))
    send(browser, image, parent=str(run.pk))
    assert newest().pk != run.pk
    assert newest().inputs == run.inputs


def test_the_form_offers_the_masks_of_earlier_runs_and_takes_none_when_told_so(browser, image):
    mask = factories.make_mask(image)
    factories.make_run(image, inputs=Inputs(mask=mask))
    page = markup(browser.get(image.get_absolute_url()))
    assert f'<option value="{mask}" selected>Mask of the run of ' in page
    send(browser, image, mask="")
    assert newest().inputs == {"schema": 1}


def test_a_run_goes_on_from_a_finished_one(browser, finished_run):
    image = finished_run.image
    page = markup(browser.get(image.get_absolute_url()))
    assert f'<option value="{finished_run.pk}" data-clusters="3">The result of ' in page
    response = send(browser, image, begin=str(finished_run.pk))
    run = newest()
    assert response.url == run.get_absolute_url()
    assert (run.parent, run.inputs["mixture"]) == (finished_run, finished_run.result.mixture)
    execution.serve_until_empty()
    page = markup(browser.get(run.get_absolute_url()))
    assert "Started from" in page
    assert f'<a href="/runs/{finished_run.pk}/">another run</a>' in page
    services.delete_run(run=finished_run)
    assert "a given mixture" in markup(browser.get(run.get_absolute_url()))


def test_another_number_of_clusters_than_the_start_has_is_explained_beside_it(browser, finished_run):
    response = send(browser, finished_run.image, n_clusters="5", begin=str(finished_run.pk))
    page = markup(response)
    assert response.status_code == 422
    assert "The starting mixture has 3 clusters, not 5: ask for 3, or for auto." in page
    assert 'id="run-begin-error"' in page
    assert f'<option value="{finished_run.pk}" data-clusters="3" selected>' in page
    assert Run.objects.count() == 1


def test_with_the_number_left_to_the_program_the_start_says_it(browser, finished_run):
    send(browser, finished_run.image, auto="on", begin=str(finished_run.pk))
    assert newest().n_clusters == 3


@pytest.mark.parametrize("begin", ["x", "00000000-0000-0000-0000-000000000000"])
def test_a_start_that_makes_no_sense_is_refused(browser, image, begin):
    assert send(browser, image, begin=begin).status_code == 422
    assert not Run.objects.exists()


def test_runs_of_regions_and_unfinished_ones_are_no_starts(browser, finished_run):
    image = finished_run.image
    regions = services.create_run(image=image, recipe=Recipe.from_mapping({"preset": "regions"}))
    execution.serve_until_empty()
    waiting = factories.make_run(image)
    page = markup(browser.get(image.get_absolute_url()))
    for run in (regions, waiting):
        assert f'<option value="{run.pk}"' not in page
        assert send(browser, image, begin=str(run.pk)).status_code == 422


def test_the_mask_of_a_run_is_sent_as_it_is_kept(browser, image):
    mask = factories.make_mask(image)
    run = factories.make_run(image, inputs=Inputs(mask=mask))
    response = browser.get(f"/runs/{run.pk}/mask.png")
    assert response.headers["Content-Type"] == "image/png"
    assert response.getvalue() == files.read(files.run_input_key(run.pk, mask))
