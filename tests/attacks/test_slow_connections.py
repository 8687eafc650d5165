"""Connections that send or take little, for as long as they can: nobody else may have to wait for them."""

import contextlib
import select

import numpy as np
import pytest

from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

CROWD, READERS = 20, 12  # connections; the server has eight threads


def is_unanswered(connection):
    """Whether nothing has come back, and the connection stands."""
    return not select.select([connection], [], [], 0)[0]


@pytest.fixture
def crowd():
    """Connections that are closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda connection: stack.enter_context(contextlib.closing(connection))


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: a",
        b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\na",
        b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\na",
        b"",
    ],
    ids=["headers", "body", "chunks", "silence"],
)
def test_requests_that_never_arrive_whole_hold_nobody_up(start_web, owner, crowd, beginning):
    web = start_web()
    slow = [crowd(web.connect()) for _ in range(CROWD)]
    for connection in slow:
        connection.sendall(beginning)
    assert web.ask("/healthz")[0] == 200
    for connection in slow[: len(beginning) and CROWD]:
        connection.sendall(b"a")
    cookie = web.cookie_of(owner)
    for page in ("/", "/history/", "/account/"):
        assert web.ask(page, Cookie=cookie)[0] == 200
    assert all(is_unanswered(connection) for connection in slow)


@pytest.mark.parametrize("picture", ["original", "display"])
def test_large_answers_that_nobody_reads_hold_nobody_up(start_web, owner, crowd, picture):
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    image = factories.make_image(owner, factories.encoded(noise))
    web = start_web()
    cookie = web.cookie_of(owner)
    for _ in range(READERS):
        crowd(web.begin(f"/images/{image.pk}/{picture}", Cookie=cookie))
    stranger = web.cookie_of(factories.make_user("stranger"))
    assert web.ask("/history/", Cookie=stranger)[0] == 200
    assert web.ask("/history/", Cookie=cookie)[0] == 200, "nor the person who does not read"
    assert web.ask(f"/images/{image.pk}/{picture}", Cookie=cookie)[0] == 200
