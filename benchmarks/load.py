"""Load test with fifty simulated users (Locust), compared with the targets for response times.

    python benchmarks/load.py --site-python .venv/bin/python [--users 50] [--seconds 300]

Starts a web server and a worker with default settings (SQLite, local files), on a free port and in a temporary folder. Each user
signs up, browses, uploads a sample, starts a run, polls its state as the page does, and opens the result. Prints the times, and
exits with 1 when a target is missed.
"""

import gevent.monkey

gevent.monkey.patch_all()

import argparse
import contextlib
import json
import logging
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, between, events, task
from locust.env import Environment

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = [ROOT / "segmentation" / "samples" / name for name in ("china.jpg", "coffee.png", "coins.png", "ihc.png")]
ACTIVE = {"queued", "running"}
STATUS_P95, UPLOAD_P95 = 200.0, 1000.0  # milliseconds
LAST_RUNS_SECONDS = 60
QUICK, CALM, QUICK_FOR = 0.25, 1.0, 15.0  # seconds between two requests for the state of a run, as in static/js/run.js

ended: list[str] = []  # the states in which runs ended


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Person(FastHttpUser):
    """A user with an account, who waits between two actions."""

    wait_time = between(5, 15)
    network_timeout = connection_timeout = 60.0

    def on_start(self) -> None:
        self.runs: list[str] = []
        # The rate of sign-ups is limited by address, and these users have different ones.
        self.address = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        password = uuid.uuid4().hex
        self.get("/accounts/signup/", "page: sign up")
        form = {"username": f"p{uuid.uuid4().hex[:12]}", "password1": password, "csrfmiddlewaretoken": self.token}
        self.client.post("/accounts/signup/", data=form, headers=self.headers(), name="sign up")

    @property
    def token(self) -> str:
        return next((cookie.value or "" for cookie in self.client.cookiejar if cookie.name == "csrftoken"), "")

    def headers(self, **more: str) -> dict[str, str]:
        return {"X-Forwarded-For": self.address, "X-CSRFToken": self.token, "Referer": f"{self.host}/", **more}

    def get(self, path: str, name: str, **more: str) -> Any:
        return self.client.get(path, headers=self.headers(**more), name=name)

    @task(3)
    def look_at_the_history(self) -> None:
        self.get("/history/", "page: history")
        for run in self.runs[-4:]:
            self.get(f"/runs/{run}/thumbnail", "thumbnail")

    @task(3)
    def look_at_a_run(self) -> None:
        if self.runs:
            self.look_at(random.choice(self.runs))
        else:
            self.get("/", "page: start")

    @task(1)
    def read_the_help(self) -> None:
        self.get("/help/", "page: help")

    @task(1)
    def segment(self) -> None:
        """Upload a picture, start a run, poll its state and open the result, as the page does for a dropped picture."""
        self.get("/", "page: start")
        image = self.send(random.choice(SAMPLES))
        if image is None:
            return
        body = json.dumps({"image": image["id"], "recipe": {"n_clusters": random.randint(2, 8)}})
        headers = self.headers(**{"Content-Type": "application/json"})
        answer = self.client.post("/api/v1/runs", data=body, headers=headers, name="run")
        if answer.status_code != 201:
            return
        run = answer.json()
        self.get(f"/runs/{run['id']}/", "page: run, waiting")
        ended.append(self.follow(run["id"]))
        self.runs.append(run["id"])
        self.look_at(run["id"])

    def send(self, sample: Path) -> Any:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{sample.name}"\r\n\r\n'
        body = head.encode() + sample.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        headers = self.headers(**{"Content-Type": f"multipart/form-data; boundary={boundary}"})
        answer = self.client.post("/api/v1/images", data=body, headers=headers, name="upload")
        return answer.json() if answer.status_code == 201 else None

    def follow(self, run: str) -> str:
        """Poll the state of a run until it has ended, and return the last state."""
        etag, state, is_waiting, started = "", "queued", False, time.monotonic()
        while state in ACTIVE:
            gevent.sleep(QUICK if time.monotonic() - started < QUICK_FOR and not is_waiting else CALM)
            answer = self.get(f"/api/v1/runs/{run}", "status", **({"If-None-Match": etag} if etag else {}))
            if answer.status_code == 200:
                body = answer.json()
                etag, state = answer.headers.get("ETag", ""), body["state"]
                is_waiting = (body["position"] or 0) > 1
            elif answer.status_code != 304:
                return f"status {answer.status_code}"
        return state

    def look_at(self, run: str) -> None:
        self.get(f"/runs/{run}/", "page: run, finished")
        for name in ("segmented.png", "binary.png", "components.png"):
            self.get(f"/runs/{run}/{name}", "picture")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site-python", required=True, help="the interpreter that has the site's own requirements")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0, help="after all users have started")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="gmm-load-") as folder,
        site(arguments.site_python, Path(folder)) as address,
    ):
        environment = simulate(address, arguments.users, arguments.seconds)
        missed = report(environment, Path(folder))
    sys.exit("\n".join(missed) if missed else None)


def simulate(address: str, users: int, seconds: float) -> Environment:
    """Start one user per second, keep them for a time, and let them finish their tasks."""
    environment = Environment(user_classes=[Person], host=address, events=events, stop_timeout=LAST_RUNS_SECONDS)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=1, wait=False)
    gevent.sleep(users + seconds)
    runner.stop()
    return environment


def report(environment: Environment, folder: Path) -> list[str]:
    """Print the response times in milliseconds, and return the targets that were missed."""
    say(f"{'':24}{'times':>7}{'failed':>8}{'median':>8}{'95 %':>8}{'worst':>8}   ms")
    for entry in sorted(environment.stats.entries.values(), key=lambda entry: entry.name):
        times = (entry.median_response_time, entry.get_response_time_percentile(0.95), entry.max_response_time)
        say(f"{entry.name:24}{entry.num_requests:7}{entry.num_failures:8}" + "".join(f"{ms:8.0f}" for ms in times))
    total = environment.stats.total
    say(f"{len(ended)} runs; {total.num_requests} requests, {total.total_rps:.1f} a second")
    for failure in environment.stats.errors.values():
        say(f"{failure.occurrences} times {failure.method} {failure.name}: {failure.error}")
    return list(misses(environment, folder))


def misses(environment: Environment, folder: Path) -> Iterator[str]:
    status, upload = environment.stats.get("status", "GET"), environment.stats.get("upload", "POST")
    if environment.stats.total.num_failures:
        yield f"{environment.stats.total.num_failures} requests failed; the site's log: {tail(folder / 'web.log')}"
    if not ended or set(ended) != {"succeeded"}:
        yield f"Runs ended as {sorted(set(ended))}, and not all as succeeded."
    if status.get_response_time_percentile(0.95) >= STATUS_P95:
        yield f"95 % of the status requests took up to {status.get_response_time_percentile(0.95):.0f} ms, not {STATUS_P95:.0f}."
    if upload.get_response_time_percentile(0.95) >= UPLOAD_P95:
        yield f"95 % of the uploads took up to {upload.get_response_time_percentile(0.95):.0f} ms, not {UPLOAD_P95:.0f}."


def tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-20:])


@contextlib.contextmanager
def site(python: str, folder: Path) -> Iterator[str]:
    """Return a context with a running site and worker, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "media").mkdir()
    settings = {
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "MEDIA_ROOT": f"{folder}/media",
        "SECRET_KEY": uuid.uuid4().hex * 2,
        "GMM_TRUSTED_PROXIES": "1",
        "GMM_STOP_SECONDS": "2",
    }
    environment = {**os.environ, **settings}
    interpreter = str(Path(python).absolute())  # not resolved: the link is what makes it an environment's
    subprocess.run([interpreter, "manage.py", "prepare"], cwd=ROOT, env=environment, check=True, capture_output=True)
    with contextlib.ExitStack() as stack:
        for name, command in (("web", ["-m", "gmmsite.deploy.web"]), ("worker", ["manage.py", "worker"])):
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen([interpreter, *command], cwd=ROOT, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address)
        yield address


def wait_until_healthy(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/healthz") as answer:
            if json.load(answer)["status"] == "ok":
                return
        time.sleep(0.2)
    sys.exit("The site did not start within a minute.")


if __name__ == "__main__":
    main()
