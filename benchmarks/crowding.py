"""Measure the response times of pages while another account overloads the site, or while connections are slow.

    python benchmarks/crowding.py [--seconds 20]

Starts a web server and a worker with default settings (SQLite, local files), on a free port and in a temporary folder. A hostile
account requests the most expensive addresses of a picture of 49 megapixels on 12 and on 60 connections, ignores `Retry-After`,
and edits the result so that no rendition stays cached; it uploads files of 9 MB on 12 connections at the same time; and 300
connections send one byte per second. Meanwhile another account requests pages, one after the other. Prints a table, and exits
with 1 when a page was not answered, or when the times reach half a second in the median or 3 s at most.
"""

import argparse
import contextlib
import http.client
import io
import itertools
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

ROOT = Path(__file__).resolve().parent.parent
SIDE = 7000  # pixels of the large picture
MEDIAN, WORST = 0.5, 3.0  # seconds
CONNECTIONS, MANY, SLOW = 12, 60, 300
PASSWORD = uuid.uuid4().hex


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Person:
    """A client with an account; each request has a connection of its own."""

    def __init__(self, port: int, name: str) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.ask("GET", "/accounts/signup/")
        form = {"username": name, "password1": PASSWORD, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        body = urllib.parse.urlencode(form).encode()
        status, _ = self.ask("POST", "/accounts/signup/", body, "application/x-www-form-urlencoded")
        if status != 302:
            sys.exit(f"{name} could not sign up: {status}")

    def ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> tuple[int, bytes]:
        """Send a request, and return status and body of the response."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers["X-CSRFToken"] = self.cookies.get("csrftoken", "")
        if content_type:
            headers["Content-Type"] = content_type
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                name, _, value = cookie.partition(";")[0].strip().partition("=")
                self.cookies[name] = value
            return answer.status, answer.read()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a response of the API; exits on an error status."""
        status, answer = self.ask(method, f"/api/v1{path}", body and json.dumps(body).encode(), "application/json")
        if status >= 400:
            sys.exit(f"{method} {path}: {status} {answer.decode()}")
        return json.loads(answer)

    def upload(self, data: bytes) -> tuple[int, bytes]:
        """Upload a picture, and return status and body of the response."""
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="picture.jpg"\r\n\r\n'
        return self.ask("POST", "/api/v1/images", head + data + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")

    def run(self, data: bytes, n_clusters: int) -> str:
        """Upload a picture, segment it, and return the id of the finished run."""
        image = json.loads(self.upload(data)[1])["id"]
        run = self.call("POST", "/runs", {"image": image, "recipe": {"n_clusters": n_clusters}})["id"]
        while (state := self.call("GET", f"/runs/{run}")["state"]) in {"queued", "running"}:
            time.sleep(0.2)
        if state != "succeeded":
            sys.exit(f"The run ended as {state}.")
        return str(run)


class Load:
    """Threads that call a function repeatedly until the context ends, and count what it returns."""

    def __init__(self, count: int, act: Callable[[int], str]) -> None:
        self.results: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(act, n)) for n in range(count)]

    def _repeat(self, act: Callable[[int], str], number: int) -> None:
        for turn in itertools.count(number):
            if self._stop.is_set():
                return
            try:
                self.results[act(turn)] += 1
            except OSError as error:
                self.results[type(error).__name__] += 1

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def expensive(person: Person, run: str) -> Callable[[int], str]:
    """Return a function that requests one of the most expensive addresses, and now and then invalidates the cached renditions."""
    paths = [
        f"/runs/{run}/uncertainty.png?palette=heat",
        f"/api/v1/runs/{run}/at?x={{n}}&y={{n}}",
        f"/runs/{run}/novelty.png",
        f"/api/v1/runs/{run}/regions",
        f"/runs/{run}/binary.png",
        f"/runs/{run}/segmented.png?palette=separated",
        f"/runs/{run}/labels.png",
        f"/runs/{run}/?count=regions",
    ]

    def act(turn: int) -> str:
        if turn % 40 == 0:
            revision = json.loads(person.ask("GET", f"/api/v1/runs/{run}")[1])["revision"]
            edit = {"revision": revision, "clusters": [{"index": 0, "foreground": turn % 80 == 0}]}
            return str(
                person.ask("PATCH", f"/api/v1/runs/{run}/legend", json.dumps(edit).encode(), "application/json")[0]
            )
        return str(person.ask("GET", paths[turn % len(paths)].format(n=turn * 97 % SIDE))[0])

    return act


@contextlib.contextmanager
def slow_connections(port: int, count: int) -> Iterator[None]:
    """Return a context with connections that send a byte per second, half of them in a header and half in a body."""
    stop = threading.Event()
    beginnings = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n\r\n",
    )

    def connect(number: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(beginnings[number % 2])
        return connection

    def trickle() -> None:
        connections = [connect(number) for number in range(count)]
        while not stop.wait(1.0):
            for number, connection in enumerate(connections):
                try:
                    connection.send(b"a")
                except OSError:  # it was closed by the server: connect again
                    connection.close()
                    connections[number] = connect(number)
        for connection in connections:
            connection.close()

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def request_pages(person: Person, run: str, seconds: float) -> tuple[list[float], int]:
    """Request pages one after the other, and return the times in seconds and the number of failed requests."""
    pages = ("/", "/history/", f"/runs/{run}/", "/healthz", f"/api/v1/runs/{run}")
    times, failed, end = [], 0, time.monotonic() + seconds
    for page in itertools.cycle(pages):
        began = time.monotonic()
        if began > end:
            break
        try:
            failed += person.ask("GET", page)[0] != 200
        except OSError:
            failed += 1
        times.append(time.monotonic() - began)
    return times, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each attack")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gmm-crowding-") as folder, site(Path(folder)) as port:
        missed = attack(port, arguments.seconds)
    sys.exit("\n".join(missed) if missed else None)


def attack(port: int, seconds: float) -> list[str]:
    """Run one attack after the other, print a row for each, and return the targets that were missed."""
    hostile, other = Person(port, "hostile"), Person(port, "other")
    large, small = hostile.run(picture(SIDE, 80), 8), other.run(picture(600, 90), 5)
    upload = of_size(9_000_000)
    attacks: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
        "nobody else": contextlib.nullcontext,
        f"{CONNECTIONS} connections of one account": lambda: Load(CONNECTIONS, expensive(hostile, large)),
        f"{MANY} connections of one account": lambda: Load(MANY, expensive(hostile, large)),
        f"{CONNECTIONS} parallel uploads of 9 MB": lambda: Load(CONNECTIONS, lambda _: str(hostile.upload(upload)[0])),
        f"{SLOW} connections that send a byte a second": lambda: slow_connections(port, SLOW),
    }
    missed = []
    say("| meanwhile | pages | median | worst | not answered | the others were answered |\n|---|---|---|---|---|---|")
    for name, begin in attacks.items():
        with begin() as load:
            time.sleep(2)  # until all threads have started
            times, failed = request_pages(other, small, seconds)
        answers = ", ".join(f"{count} times {what}" for what, count in sorted(getattr(load, "results", {}).items()))
        median, worst = statistics.median(times), max(times)
        say(f"| {name} | {len(times)} | {median:.3f} s | {worst:.2f} s | {failed} | {answers} |")
        if failed or median >= MEDIAN or worst >= WORST:
            missed.append(f"{name}: {failed} not answered, {median:.2f} s in the median, {worst:.2f} s at worst")
    return missed


def picture(side: int, quality: int) -> bytes:
    """Return a JPEG file of a sample, resized to a square, with noise."""
    with PIL.Image.open(ROOT / "segmentation" / "samples" / "china.jpg") as sample:
        pixels = np.asarray(sample.convert("RGB").resize((side, side)), np.int16)
    noise = np.random.default_rng(0).integers(-6, 7, (side, side, 1), np.int16)
    buffer = io.BytesIO()
    PIL.Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def of_size(size: int) -> bytes:
    """Return a JPEG file of at least this number of bytes."""
    side = 2000
    while len(data := picture(side, 90)) < size:
        side = int(side * max((size / len(data)) ** 0.5, 1.02))
    return data


@contextlib.contextmanager
def site(folder: Path) -> Iterator[int]:
    """Return a context with a running site and worker, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "media").mkdir()
    environment = os.environ | {
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "MEDIA_ROOT": f"{folder}/media",
        "SECRET_KEY": uuid.uuid4().hex * 2,
        "GMM_STOP_SECONDS": "2",
        "GMM_RATE_UPLOADS": "1000000",
    }
    subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environment, check=True, capture_output=True)
    with contextlib.ExitStack() as stack:
        for name, command in (("web", ["-m", "gmmsite.deploy.web"]), ("worker", ["manage.py", "worker"])):
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        wait_until_healthy(port)
        yield port
        errors = re.findall(rb"^.*\[error.*$", (folder / "web.log").read_bytes(), re.MULTILINE)
        for line in errors[:5]:
            say(line.decode(errors="replace"))


def wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
        ):
            connection.request("GET", "/healthz")
            if json.load(connection.getresponse())["status"] == "ok":
                return
        time.sleep(0.2)
    sys.exit("The site did not start within a minute.")


if __name__ == "__main__":
    main()
