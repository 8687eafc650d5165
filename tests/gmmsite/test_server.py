"""The web server: limits of connections, and how it stops."""

import contextlib
import http.client
import os
import re
import signal
import socket
import tempfile
import threading

import pytest

from gmmsite.deploy import notify
from segmentation.upload_handlers import REFUSED_BODY
from tests.processes import eventually
from tests.webserver import OwnServer, WebServer

ANSWER = b"answered"


class Application:
    """Says what it was asked; whoever asks for /wait is answered once `go` is set."""

    def __init__(self):
        self.go = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.asked = []

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], len(body), environ.get(REFUSED_BODY)))
        if environ["PATH_INFO"] == "/wait":
            self.waiting.release()
            self.go.wait(30)
        answer = bytes(30_000_000) if environ["PATH_INFO"] == "/large" else ANSWER
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]


@pytest.fixture
def application():
    wsgi = Application()
    yield wsgi
    wsgi.go.set()


@pytest.fixture
def start(application):
    """Start the server of one process in front of the application."""
    with contextlib.ExitStack() as stack:

        def start_server(**options):
            server = OwnServer(application, **options)
            stack.callback(server.end)
            return server

        yield start_server
        application.go.set()


def read_to_end(connection):
    """Return what comes until the other side closes the connection."""
    with contextlib.closing(connection):
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_one_person_has_half_of_the_threads_at_most(start, application):
    server = start()
    held = [server.begin("/wait", Cookie="a=b; sessionid=mallory") for _ in range(12)]
    for _ in range(4):
        assert application.waiting.acquire(timeout=30)
    assert server.ask("/", Cookie="sessionid=other")[2] == ANSWER
    assert server.ask("/")[2] == ANSWER, "nor are people without a session kept out"
    assert len([path for _, path, *_ in application.asked if path == "/wait"]) == 4
    application.go.set()
    for connection in held:
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection).endswith(ANSWER), "all are answered in the end"


def test_a_look_at_the_health_does_not_wait_for_a_full_site(start, application):
    server = start()
    for person in ("one", "two"):
        for _ in range(6):
            server.begin("/wait", Cookie=f"sessionid={person}")
    for _ in range(8):
        assert application.waiting.acquire(timeout=30)
    look = server.begin("/healthz")
    eventually(lambda: len(server.server.active_channels) == 13)
    application.go.set()
    look.shutdown(socket.SHUT_WR)
    assert read_to_end(look).endswith(ANSWER)
    paths = [path for _, path, *_ in application.asked]
    # The next, or the next but one, when a thread is free; eight become free at once, and each takes one.
    assert paths.index("/healthz") < len(paths) - 1, "it does not wait for all that came before it"


def test_proxies_that_are_believed_name_the_client(start, application):
    server = start(trusted_proxies=1)
    for _ in range(8):
        server.begin("/wait", X_Forwarded_For="10.0.0.1, 192.0.2.7")
    for _ in range(4):
        assert application.waiting.acquire(timeout=30)
    assert server.ask("/", X_Forwarded_For="192.0.2.7, 10.0.0.1")[2] == ANSWER


def test_a_body_that_is_too_large_is_refused_and_its_sender_hears_of_it(start, application):
    server = start(largest_body=100_000)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        for body in (bytes(300_000), iter([bytes(60_000)] * 5), bytes(100_000)):
            connection.request("POST", "/", body, encode_chunked=not isinstance(body, bytes))
            assert connection.getresponse().read() == ANSWER
    assert application.asked == [("POST", "/", 0, "too_large")] * 2 + [("POST", "/", 100_000, None)]


def test_who_asks_first_whether_to_send_is_refused_at_once(start, application):
    server = start(largest_body=100_000)
    connection = server.connect()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n")
    answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer
    assert application.asked == [("POST", "/", 0, "too_large")]


def test_what_never_ends_is_not_read_to_its_end(start, application):
    server = start(largest_body=100_000)
    connection = server.connect()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert read_to_end(connection).endswith(ANSWER)
    assert application.asked == [("POST", "/", 0, "too_large")]


def test_bodies_of_one_address_take_half_of_the_room_and_give_it_back(start, application):
    server = start(largest_body=100_000)  # room for 20 of them
    begun = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(99_999)
    held = [server.connect() for _ in range(10)]
    for connection in held:
        connection.sendall(begun)
    eventually(lambda: server.budget._taken == {"127.0.0.1": 999_990})
    assert server.ask("/", method="POST", body=bytes(1000))[2] == ANSWER
    assert application.asked == [("POST", "/", 0, "busy")]
    for connection in held:
        connection.close()
    eventually(lambda: server.budget._taken == {})
    assert server.ask("/", method="POST", body=bytes(1000))[2] == ANSWER
    assert application.asked[1:] == [("POST", "/", 1000, None)]


def test_a_full_disk_refuses_a_body_and_no_other_request(start, application, small_disk, media_root, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(media_root))
    server = start(largest_body=20_000_000)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        for size in (8_000_000, 1_000_000):
            connection.request("POST", "/", bytes(size))
            assert connection.getresponse().read() == ANSWER
    assert application.asked == [("POST", "/", 0, "storage_unavailable"), ("POST", "/", 1_000_000, None)]
    eventually(lambda: server.budget._taken == {})  # given back after the answer has been sent


def test_answers_that_nobody_reads_take_the_room_of_one_address_and_no_more(start, application, caplog):
    server = start(largest_body=5_000_000)  # room for 100 MB, half of it for one address
    unread = [server.begin("/large", Cookie=f"sessionid={n}") for n in range(3)]
    eventually(lambda: "slow clients hold too many unsent bytes" in caplog.text)
    assert server.ask("/")[2] == ANSWER
    for connection in unread:
        connection.close()
    eventually(lambda: server.budget_of_answers._taken == {})


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("IDLE_SECONDS", b""),
        ("HEADER_SECONDS", b"GET / HTTP/1.1\r\nHost: h"),
        ("GRACE_SECONDS", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\na"),
        ("GRACE_SECONDS", b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n"),
    ],
    ids=["idle", "headers", "body", "reader"],
)
def test_who_keeps_the_server_waiting_is_disconnected(start, monkeypatch, name, beginning):
    from gmmsite.deploy import server as code  # noqa: PLC0415 - loads the site's own application

    monkeypatch.setattr(code, name, 0.5)
    monkeypatch.setattr(code, "MIN_BYTES_PER_SECOND", 1e9)
    server = start(largest_body=5_000_000)
    connection = server.connect()
    connection.sendall(beginning)
    if beginning:
        eventually(lambda: server.server.active_channels)
    eventually(lambda: not server.server.active_channels)
    connection.close()


def test_of_too_many_connections_the_one_that_waits_longest_goes(start):
    server = start(most=5)
    idle = [server.connect() for _ in range(5)]
    eventually(lambda: len(server.server.active_channels) == 5)
    assert server.ask("/")[2] == ANSWER
    assert idle[0].recv(1) == b""
    for connection in idle:
        connection.close()


def test_what_is_asked_before_the_end_is_answered(start, application):
    server = start()
    connection = server.begin("/wait")
    assert application.waiting.acquire(timeout=30)
    server.stop(seconds=20)
    application.go.set()
    assert read_to_end(connection).endswith(ANSWER)


def test_a_head_has_no_body(start):
    server = start()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        for method, expected in (("HEAD", b""), ("GET", ANSWER)):
            connection.request(method, "/")
            answer = connection.getresponse()
            assert (answer.headers["Content-Length"], answer.read()) == (str(len(ANSWER)), expected)


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 3\r\nContent-Length: 30",
        "Content-Length: +3",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Broken Header: 1",
        "Folded: a\r\n b: c\nX: d",
    ],
)
def test_requests_that_a_proxy_could_understand_otherwise_are_refused(start, application, headers):
    connection = start().connect()
    connection.sendall(
        f"POST / HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\nGET /hidden HTTP/1.1\r\nHost: h\r\n\r\n".encode()
    )
    assert re.match(rb"HTTP/1\.[01] (400|501) ", read_to_end(connection))
    assert application.asked == []


def test_systemd_is_told_that_the_site_is_open(tmp_path, monkeypatch):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        notify.ready()
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify.ready()
        systemd.settimeout(5)
        assert systemd.recv(100) == b"READY=1"


@pytest.fixture
def web(transactional_db, media, tmp_path):
    """Two processes on one port. Nobody listens on port 1: the cache that they would share is away."""
    server = WebServer(tmp_path / "web.log", GMM_WEB_PROCESSES=2, REDIS_URL="redis://127.0.0.1:1/0", LOG_FORMAT="json")
    yield server
    server.kill()


def test_several_processes_serve_one_port_and_come_back(web):
    eventually(lambda: len(web.serving()) == 2)
    before = set(web.serving())
    victim = before.pop()
    os.kill(victim, signal.SIGKILL)
    for _ in range(5):
        assert web.ask("/healthz")[0] == 200
    eventually(lambda: len(web.serving()) == 2 and victim not in web.serving())
    assert web.stop() == 0
    assert web.serving() == []


def test_nothing_outlives_a_web_server_that_is_killed(web):
    serving = web.serving()
    web.kill()
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in serving))  # noqa: PTH110 - no file


def test_a_body_that_the_server_refuses_is_answered_in_the_sites_words(web):
    body = bytes(60_000_000)
    status, headers, page = web.ask("/", method="POST", body=body, Accept="text/html")
    assert (status, headers.get_content_type()) == (413, "text/html")
    assert "larger than 50" in page.decode()
    status, headers, problem = web.ask("/api/v1/images", method="POST", body=body)
    assert (status, headers.get_content_type()) == (413, "application/problem+json")
    assert b'"code": "too_large"' in problem
    assert '"status": 413' in web.output
