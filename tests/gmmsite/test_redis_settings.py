"""The site while Redis is down: no server listens on port 1."""

import time

import pytest
from django.core.cache import caches
from django.db import transaction
from django_tasks_rq import RQBackend

from gmmsite import redis_settings
from segmentation import tasks

AWAY = "redis://:secret@127.0.0.1:1/3"


@pytest.fixture
def away(settings):
    """Settings with the address of a Redis that is down."""
    settings.CACHES = redis_settings.cache(AWAY)
    settings.RQ_QUEUES = redis_settings.queues(AWAY)
    return caches["default"]


def test_a_cache_that_is_away_is_as_if_empty(away, caplog):
    assert away.add("rate", 0) is True
    assert away.incr("rate") == 1
    assert away.get("rate", "nothing") == "nothing"
    away.set("page", "text")
    away.delete_many(["rate", "page"])
    assert away.get_many(["rate", "page"]) == {}
    assert away.set_many({"page": "text"}) == ["page"]
    assert (away.touch("page"), away.delete("page"), "page" in away) == (False, False, False)
    assert "Redis does not answer" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_people_stay_signed_in_while_the_cache_is_away(away, settings, client, owner):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    client.force_login(owner)
    assert client.get("/account/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_that_cannot_be_sent_does_not_fail_or_delay_the_request(away, monkeypatch, caplog):
    backend = RQBackend("default", {})
    monkeypatch.setattr(tasks.run_next.get_backend(), "enqueue", backend.enqueue)
    began = time.monotonic()
    with transaction.atomic():
        tasks.wake_workers_on_commit()
    assert time.monotonic() - began < 10, "it tries once more, and does not wait for Redis to come back"
    assert "Connection refused" in caplog.text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://host", {"HOST": "host", "PORT": 6379, "DB": 0, "SSL": False}),
        ("rediss://ada:secret@host:6380/2", {"HOST": "host", "PORT": 6380, "DB": 2, "SSL": True, "PASSWORD": "secret"}),
    ],
)
def test_the_queue_is_where_the_address_says(url, expected):
    queue = redis_settings.queues(url)["default"]
    assert {name: queue[name] for name in expected} == expected
    assert queue["DEFAULT_TIMEOUT"] == -1
