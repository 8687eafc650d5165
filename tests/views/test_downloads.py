"""Downloads of the original through the site, nginx or S3; the site always checks the permission."""

import re
import urllib.request

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NAME = 'höhe "3".png'


@pytest.fixture
def data():
    return factories.encoded(factories.pixels())


@pytest.fixture
def s3(settings, monkeypatch):
    """Store the pictures of the site in a bucket on a moto server."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="pictures")
    options = {"bucket_name": "pictures", "endpoint_url": address, "region_name": "us-east-1", "querystring_expire": 60}
    backend = {"BACKEND": "segmentation.storage.s3.S3Media", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    settings.GMM_DOWNLOADS = "s3"
    yield address
    server.stop()


def test_s3_gives_the_original_to_who_was_sent_there(client, s3, owner, stranger, data):
    image = factories.make_image(owner, data, NAME)
    client.force_login(owner)
    answer = client.get(f"/images/{image.pk}/original")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "private, no-store")
    place = answer.headers["Location"]
    assert place.startswith(f"{s3}/pictures/images/{image.pk}/original?")
    assert "X-Amz-Expires=60" in place
    with urllib.request.urlopen(place) as sent:  # noqa: S310 - the server of this test
        assert sent.read() == data
        assert sent.headers["Content-Type"] == "application/octet-stream"
        assert sent.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''h%C3%B6he")
    client.force_login(stranger)
    assert client.get(f"/images/{image.pk}/original").status_code == 404


def test_a_proxy_that_refused_a_body_says_so_in_our_words(client, settings):
    settings.GMM_MAX_UPLOAD_BYTES = 50_000_000
    page = client.get("/too-large/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, "larger than 50\N{NARROW NO-BREAK SPACE}MB" in page.content.decode()) == (413, True)
    problem = client.get("/too-large/", headers={"accept": "application/json"})
    assert problem.status_code == 413
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json()["code"] == "too_large"
    assert re.search("larger than 50.MB", problem.json()["detail"])
