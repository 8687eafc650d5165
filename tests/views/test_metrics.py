"""The metrics, parsed by Prometheus's own parser; people without permission get the 404 of an unknown address."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import factories
from tests.admin.conftest import make_runs
from tests.media import is_on_disk

pytestmark = pytest.mark.django_db(transaction=True)


def scrape(client, **headers):
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }


@pytest.fixture
def token(settings):
    settings.GMM_METRICS_TOKEN = "a-token-of-the-site"
    return {"authorization": "Bearer a-token-of-the-site"}


def test_the_numbers_are_those_of_the_rows(client, token, image, worker_row):
    make_runs(image, 2, state="queued")
    make_runs(image, 3, state="succeeded")
    make_runs(image, 1, state="failed")
    values = scrape(client, **token)
    assert values["gmm_queue_length", ("kind", "run")] == 2
    assert values["gmm_queue_oldest_seconds",] >= 60
    assert (values["gmm_workers_alive",], values["gmm_worker_slots",]) == (1, 2)
    assert values["gmm_jobs", ("kind", "run"), ("state", "succeeded")] == 3
    assert values["gmm_jobs", ("kind", "run"), ("state", "running")] == 0
    assert values["gmm_recent_failures", ("code", "out_of_memory")] == 1
    assert values["gmm_recent_stage_seconds", ("quantile", "0.5"), ("stage", "whole")] == 2.0
    if is_on_disk():
        assert 0 < values["gmm_storage_free_bytes",] < values["gmm_storage_total_bytes",]
    else:
        assert not [name for name, *_ in values if name.startswith("gmm_storage")]
    assert values["gmm_originals_bytes",] == image.bytes


def test_staff_who_may_look_at_workers_need_no_token(client):
    client.force_login(factories.make_staff("keeper"))
    assert ("gmm_queue_length", ("kind", "run")) in scrape(client)


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic a-token-of-the-site", "a-token-of-the-site"]
)
def test_without_the_token_there_is_nothing_here(client, token, given):
    answer = client.get("/metrics", headers={"authorization": given})
    assert (answer.status_code, b"gmm_" in answer.content) == (404, False)


@pytest.mark.parametrize("given", ["Bearer ", "Bearer", "Bearer None"])
def test_a_site_without_a_token_accepts_none(client, given):
    assert client.get("/metrics", headers={"authorization": given}).status_code == 404


def shown(answer):
    """Return the page without the CSRF token and the address in it, which differ between requests."""
    text = re.sub(r'value="[^"]{64}"', "", answer.content.decode())
    return answer.status_code, text.replace(answer.request["PATH_INFO"], "")


def test_other_people_get_what_a_missing_page_gives(client, stranger):
    client.force_login(stranger)
    assert shown(client.get("/metrics")) == shown(client.get("/metrics-that-are-not-there"))
    stranger.is_staff = True
    stranger.save()
    assert client.get("/metrics").status_code == 404
