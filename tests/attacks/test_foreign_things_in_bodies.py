"""Naming somebody else's picture, run or mask inside of a request about one's own."""

import uuid

import pytest

from segmentation.engine.recipe import Inputs
from segmentation.models import Run
from tests import factories
from tests.clients import Browser, problem_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thief(stranger):
    """A browser of somebody else, and a picture of theirs that has the same bytes."""
    return Browser(stranger), factories.make_image(stranger)


def ask(browser, image, **body):
    return browser.send("POST", "/api/v1/runs", {"image": str(image.pk), "recipe": {"n_clusters": 3}, **body})


def test_a_foreign_run_to_begin_with_is_as_good_as_none(thief, finished_run):
    browser, own = thief
    foreign = problem_of(ask(browser, own, begin=str(finished_run.pk)))
    nobodys = problem_of(ask(browser, own, begin=str(uuid.uuid4())))
    assert foreign == nobodys
    assert foreign["code"] == "not_found"


def test_the_hash_of_a_foreign_mask_is_as_good_as_none_even_for_the_same_picture(thief, image):
    browser, own = thief
    waiting = factories.make_mask(image)
    factories.make_run(image, inputs=Inputs(mask=waiting))
    foreign = problem_of(ask(browser, own, inputs={"mask": waiting}))
    nobodys = problem_of(ask(browser, own, inputs={"mask": "0" * 64}))
    assert foreign == nobodys
    assert foreign["code"] == "invalid_request"
    assert not Run.objects.filter(image=own).exists()


def test_a_mask_of_another_picture_of_ones_own_is_not_taken(owner, image):
    other = factories.make_image(owner, name="other.png")
    mask = factories.make_mask(other)
    assert problem_of(ask(Browser(owner), image, inputs={"mask": mask}))["code"] == "invalid_request"


def test_a_foreign_parent_gives_neither_settings_nor_mask(thief, image):
    browser, own = thief
    parent = factories.make_run(image, inputs=Inputs(mask=factories.make_mask(image)))
    response = browser.send_form(f"/images/{own.pk}/run/", {"n_clusters": "3", "parent": str(parent.pk)})
    assert response.status_code == 302
    run = Run.objects.get(image=own)
    assert (run.parent, run.inputs.get("mask")) == (None, None)
    page = browser.get(f"/images/{own.pk}/?like={parent.pk}").content.decode()
    assert parent.inputs["mask"] not in page


def test_a_filter_of_the_history_by_a_foreign_picture_finds_nothing(thief, queued_run):
    browser, _own = thief
    page = browser.get(f"/history/?image={queued_run.image_id}")
    assert page.status_code == 200
    assert str(queued_run.pk) not in page.content.decode()


def test_cluster_numbers_and_revisions_of_others_reach_nothing(thief, finished_run):
    browser, _own = thief
    body = {"revision": 0, "merge": [0, 1]}
    assert problem_of(browser.send("PATCH", f"/api/v1/runs/{finished_run.pk}/legend", body))["code"] == "not_found"
    assert Run.objects.get(pk=finished_run.pk).revision == 0


def test_a_refusal_is_the_same_for_what_exists_and_what_does_not(thief, finished_run):
    browser, _own = thief
    for foreign in (f"runs/{finished_run.pk}", f"images/{finished_run.image_id}"):
        nobodys = f"{foreign.partition('/')[0]}/{uuid.uuid4()}"
        for root in ("/", "/api/v1/"):
            tail = "/" if root == "/" else ""
            answers = [browser.get(f"{root}{which}{tail}") for which in (foreign, nobodys)]
            assert {answer.status_code for answer in answers} == {404}
            bodies = [
                answer.content.decode().replace(which, "")
                for answer, which in zip(answers, (foreign, nobodys), strict=True)
            ]
            assert len({len(body) for body in bodies}) == 1
            assert {tuple(sorted(set(answer.headers) - {"X-Request-ID"})) for answer in answers}.__len__() == 1
