"""The web server in tests: as `make run` starts it, and in this process, where a test decides what is answered."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading

from django.conf import settings
from django.test import Client

from tests.media import bucket
from tests.processes import ROOT, children_of, database_url, eventually


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Asking(contextlib.ExitStack):
    """Whoever speaks to 127.0.0.1 at a port."""

    def connect(self):
        """Open a connection, to send whatever bytes; it is closed in the end."""
        return self.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=30))

    def ask(self, path, *, method="GET", body=None, **headers):
        """Ask on a connection of its own; returns status, headers and body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def begin(self, path, **headers):
        """Ask, and do not wait for the answer; returns the connection."""
        connection = self.connect()
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode())
        return connection


class WebServer(Asking):
    """`python -m gmmsite.deploy.web` on the test's database and files; `environment` holds settings."""

    def __init__(self, log, **environment):
        super().__init__()
        self.port = free_port()
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gmmsite.deploy.web"],
                cwd=ROOT,
                env=dict(os.environ)
                | {"DATABASE_URL": database_url(), "MEDIA_ROOT": str(settings.MEDIA_ROOT), "PYTHONUNBUFFERED": "1"}
                | {"REDIS_URL": settings.REDIS_URL, **bucket(), "PORT": str(self.port), "DEBUG": "1"}
                | {name: str(value) for name, value in environment.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            eventually(lambda: self.is_open() or self.process.poll() is not None, within=120)
            assert self.process.poll() is None, self.output
        except BaseException:
            self.kill()
            raise

    @property
    def output(self):
        return self._log.read_text()

    def is_open(self):
        try:
            status, _headers, body = self.ask("/healthz")
        except OSError:
            return False
        return status == 200 and json.loads(body)["status"] in {"ok", "degraded"}

    def serving(self):
        """The processes that answer."""
        return children_of(self.process.pid)

    @staticmethod
    def cookie_of(person):
        """Return what a browser in which this person is signed in sends."""
        client = Client()
        client.force_login(person)
        return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"

    def stop(self):
        """Ask it to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self):
        self.close()
        self.process.kill()
        self.process.wait(timeout=10)


class OwnServer(Asking):
    """The server of one process, in a thread of this one, in front of any WSGI application."""

    def __init__(self, application, *, largest_body=1_000_000, most=100, **limits):
        from gmmsite.deploy import request_bodies, server  # noqa: PLC0415 - loads the site's own application

        super().__init__()
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.budget, self.budget_of_answers = (
            request_bodies.ByteBudget(20 * largest_body),
            request_bodies.ByteBudget(20 * largest_body),
        )
        taken = {
            "budget": self.budget,
            "session_cookie": "sessionid",
            "trusted_proxies": 0,
            "health_path": "/healthz",
            **limits,
        }
        self.server = server.Server(
            server.without_body_of_head(application),
            listener,
            limits=request_bodies.RequestLimits(largest_body=largest_body, **taken),
            budget=self.budget_of_answers,
            most=most,
        )
        self._thread = threading.Thread(target=self.server.serve)
        self._thread.start()

    def stop(self, *, seconds=0.0):
        """Tell it to stop, without waiting for that."""
        self.server.stop(seconds=seconds)

    def end(self):
        """Stop it, and wait until it has ended."""
        self.close()
        self.stop()
        self._thread.join(timeout=30)
        self.server.close()
