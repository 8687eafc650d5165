import threading

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_a_worker_the_site_is_degraded_but_works(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "degraded", "database": "ok", "storage": "ok", "worker": "failed"},
    )


def test_with_a_worker_the_site_is_well(client, worker_row):
    assert client.get("/healthz").json()["status"] == "ok"


def test_a_storage_that_is_gone_fails(client, media, worker_row):
    with media.gone():
        response = client.get("/healthz")
    assert (response.status_code, response.json()["status"], response.json()["storage"]) == (503, "failed", "failed")


def test_a_storage_that_hangs_is_not_waited_for(client, worker_row, monkeypatch):
    """The first look hangs until the end of the test; the second finds it hanging, and starts no further one."""
    free = threading.Event()
    looked = []
    monkeypatch.setattr("segmentation.views.health._STORAGE_SECONDS", 0.1)
    monkeypatch.setattr("segmentation.views.health._check_storage", lambda: (looked.append(1), free.wait(30)))
    try:
        assert [client.get("/healthz").status_code for _ in range(3)] == [503, 503, 503]
    finally:
        free.set()
    assert len(looked) == 1
