"""One account that asks for what is expensive on many connections: other people's pages do not wait for it.

The processes that read pictures are stopped meanwhile, so that whatever needs them takes for ever.
"""

import contextlib
import os
import re
import select
import signal

import pytest

from tests import factories
from tests.processes import children_of, decoders_of, eventually

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = 12


@contextlib.contextmanager
def stopped(web):
    """Stop all that the server has started to read pictures."""
    pids = [pid for serving in web.serving() for pid in (*children_of(serving), *decoders_of(serving))]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def unanswered(connections):
    return [connection for connection in connections if not select.select([connection], [], [], 0)[0]]


def status_of(connection):
    return int(re.match(rb"HTTP/1.1 (\d+) ", connection.recv(65_536))[1])


def upload(web, cookie, data):
    """Send a picture to the API, and do not wait for the answer; `cookie` has the token, too."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = head + data + b"\r\n--b--\r\n"
    connection = web.connect()
    connection.sendall(
        (
            "POST /api/v1/images HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            f"X-CSRFToken: {'t' * 32}\r\nCookie: {cookie}; csrftoken={'t' * 32}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        + body
    )
    return connection


ADDRESSES = {
    "pixels": "/api/v1/runs/{run}/at?x=1&y=2",
    "regions": "/api/v1/runs/{run}/regions",
    "uncertainty": "/runs/{run}/uncertainty.png",
    "novelty": "/runs/{run}/novelty.png?palette=heat",
}


@pytest.mark.parametrize("kind", [*ADDRESSES, "uploads", "all of them"])
def test_one_account_on_twelve_connections_keeps_nobody_waiting(start_web, finished_run, owner, kind):
    web = start_web()
    cookie, other = web.cookie_of(owner), web.cookie_of(factories.make_user("somebody"))
    paths = [path.format(run=finished_run.pk) for name, path in ADDRESSES.items() if kind in {name, "all of them"}]
    with stopped(web):
        if kind == "uploads":
            crowd = [upload(web, cookie, factories.encoded(factories.pixels())) for _ in range(CONNECTIONS)]
        else:
            crowd = [web.begin(paths[n % len(paths)], Cookie=cookie) for n in range(CONNECTIONS)]
        for path in ("/", "/history/", "/account/", "/healthz"):
            assert web.ask(path, Cookie=other)[0] == 200
        eventually(lambda: len(unanswered(crowd)) == 1)
        waiting = unanswered(crowd)
        assert {status_of(connection) for connection in crowd if connection not in waiting} == {429}
        status, headers, _body = web.ask(
            paths[0] if paths else f"/api/v1/runs/{finished_run.pk}/at?x=0&y=0", Cookie=cookie
        )
        assert (status, headers["Retry-After"]) == (429, "2")
        assert web.ask("/history/", Cookie=cookie)[0] == 200, "what is cheap stays open to that account as well"
        assert unanswered(waiting)
    assert status_of(waiting[0]) in {200, 201}


def test_several_accounts_leave_room_for_pages_and_are_told_that_the_site_is_busy(start_web, finished_run, staff):
    crowd_of = [factories.make_staff(f"staff-{n}") for n in range(6)]
    web = start_web()
    path = f"/runs/{finished_run.pk}/novelty.png"
    with stopped(web):
        crowd = [web.begin(path, Cookie=web.cookie_of(person)) for person in crowd_of for _ in range(2)]
        eventually(lambda: len(unanswered(crowd)) <= 2)
        status, headers, page = web.ask(path, Cookie=web.cookie_of(staff), Accept="text/html")
        assert (status, headers["Retry-After"], headers.get_content_type()) == (503, "2", "text/html")
        assert "Try again in a moment" in page.decode()
        assert web.ask("/healthz")[0] == 200
        assert web.ask("/history/", Cookie=web.cookie_of(staff))[0] == 200
