"""Responses to pages and scripts when the server is busy or the storage fails."""

import pytest
from django.core.cache import cache

from segmentation.engine.exceptions import ChildFailed
from segmentation.upload_handlers import REFUSED_BODY
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def without_place(owner, client):
    """Occupy the slot of a person from another process."""
    client.force_login(owner)
    cache.add(f"processing-slot:{owner.pk}", "of another process")
    return client


def test_a_picture_that_has_no_place_to_be_made_in_is_a_page_to_people_and_a_problem_to_scripts(
    finished_run, without_place
):
    path = f"/runs/{finished_run.pk}/novelty.png"
    page = without_place.get(path, headers={"accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["Retry-After"]) == (429, "2")
    assert "Another of your pictures is being processed" in page.content.decode()
    assert f'href="{path}"' in page.content.decode(), "there is a link to try again"
    problem = without_place.get(path, headers={"accept": "image/avif,image/webp,*/*;q=0.8"})
    assert (problem.status_code, problem.headers["Retry-After"]) == (429, "2")
    assert problem.json()["code"] == "rate_limited"


def test_the_api_says_when_to_come_again(finished_run, without_place):
    for path in (f"/api/v1/runs/{finished_run.pk}/at?x=0&y=0", f"/api/v1/runs/{finished_run.pk}/regions"):
        answer = without_place.get(path)
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "rate_limited", "2")


def test_an_upload_without_a_place_says_so_on_the_start_page(without_place):
    file = factories.SimpleUploadedFile("a.png", factories.encoded(factories.pixels()))
    page = without_place.post("/", {"image": file, "n_clusters": "3"})
    assert page.status_code == 429
    assert "Another of your pictures is being processed" in page.content.decode()


def test_what_is_made_once_needs_no_place_again(finished_run, client, owner):
    client.force_login(owner)
    path = f"/api/v1/runs/{finished_run.pk}/at"
    first = client.get(f"{path}?x=0&y=0")
    cache.add(f"processing-slot:{owner.pk}", "of another process")
    assert client.get(f"{path}?x=0&y=0").json() == first.json()
    assert client.get(f"{path}?x=47&y=35").status_code == 200


def test_a_map_that_takes_too_long_is_no_fault_of_the_site(finished_run, client, owner, monkeypatch):
    def too_long(*_args, **_kwargs):
        raise ChildFailed("deadline", "It took longer than this site allows.")

    monkeypatch.setattr("segmentation.services.artefacts.sandbox.call", too_long)
    client.force_login(owner)
    page = client.get(f"/runs/{finished_run.pk}/novelty.png", headers={"accept": "text/html"})
    assert page.status_code == 422
    assert "longer than this site allows" in page.content.decode()


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("too_large", 413, "larger than"), ("busy", 503, "Try again in a moment"), ("storage_unavailable", 503, "disk")],
)
def test_a_body_that_the_server_has_not_kept_is_answered_for_any_address(client, code, status, words):
    for path in ("/", "/api/v1/images", "/accounts/login/"):
        page = client.post(path, headers={"accept": "text/html"}, **{REFUSED_BODY: code})
        assert page.status_code == status
        assert words in page.content.decode()
        problem = client.post(path, **{REFUSED_BODY: code})
        assert (problem.status_code, problem.json()["code"]) == (status, code)
