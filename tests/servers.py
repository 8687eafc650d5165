"""Redis, PostgreSQL and the way to S3 of a test's own, which can go away and come back."""

import contextlib
import http.client
import http.server
import os
import pwd
import signal
import subprocess
import threading
import urllib.parse

import redis

from scripts.services import free_port, identity, postgresql, program
from tests.processes import eventually


class Broker:
    """A Redis, which comes back without its memory."""

    def __init__(self, folder):
        self.url = f"redis://127.0.0.1:{free_port()}/0"
        self._folder = folder
        self._process = None

    def come(self):
        port = self.url.rpartition(":")[2].partition("/")[0]
        command = [program("redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        eventually(self._answers)

    def go(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self):
        try:
            return redis.Redis.from_url(self.url).ping()
        except redis.exceptions.ConnectionError:
            return False


class Database:
    """A PostgreSQL, which comes back with all that was committed."""

    def __init__(self, folder):
        self._folder = folder
        folder.chmod(0o755)  # it may be run by somebody else
        with contextlib.ExitStack() as first:
            settings, answers, _log = postgresql(folder, first)
            eventually(answers, within=60)
        self.url = settings["DATABASE_URL"]
        self.port = int(self.url.rpartition(":")[2].partition("/")[0])
        self._answers = answers
        self._process = None

    def come(self):
        command = [program("postgres"), "-D", str(self._folder / "postgresql"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=100"]
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._process = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, **identity(account)
        )
        eventually(self._answers, within=60)

    def go(self):
        """End it at once, with all its connections, as a package update does."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def kill(self):
        """End it as a power cut does: it has its log to recover from."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=30)
        self._process = None


class Door(contextlib.AbstractContextManager):
    """A way to an HTTP server, which can be shut: then whoever asks is told 503, or nothing at all."""

    def __init__(self, address):
        self.behind = urllib.parse.urlsplit(address).netloc
        self.is_shut = self.is_silent = False
        self.refused = 0  # requests, so far
        self.opened = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Porter)
        self._server.door = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever).start()

    def shut(self, *, silently=False):
        self.opened.clear()
        self.is_shut, self.is_silent = True, silently

    def open(self):
        self.is_shut = False
        self.opened.set()

    def __exit__(self, *_):
        self.open()
        self._server.shutdown()
        self._server.server_close()


class _Porter(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        door = self.server.door
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not door.is_shut:
            self._pass_on(body)
            return
        door.refused += 1
        self.close_connection = True
        if door.is_silent:
            door.opened.wait()
        else:
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _pass_on(self, body):
        behind = http.client.HTTPConnection(self.server.door.behind, timeout=60)
        with contextlib.closing(behind):
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection", "server", "date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.getheader("Content-Length", str(len(data))))
            self.end_headers()
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_):
        pass
