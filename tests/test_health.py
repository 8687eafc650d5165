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
