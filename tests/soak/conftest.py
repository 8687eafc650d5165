"""A deployment as the README describes it, with the files that are shipped: nginx, web server, PostgreSQL, two workers.

PostgreSQL and Redis run already, where DATABASE_URL and REDIS_URL say; `make soak` starts them.
"""

import contextlib
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import psycopg
import pytest
from sklearn.datasets import load_sample_image

from tests.processes import ROOT, eventually

DEPLOY = ROOT / "gmmsite" / "deploy"
TOKEN = "a-token-for-the-soak"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Deployment:
    """One site below `path`, at `url`; `log(name)` is what a process has written."""

    def __init__(self, folder, path):
        self.folder, self.path = folder, path
        self.port, self.plain_port, self.web_port = free_port(), free_port(), free_port()
        self.url = f"https://localhost:{self.port}{path}"
        self.database = f"soak_{secrets.token_hex(4)}"
        server = urlsplit(os.environ["DATABASE_URL"])
        self._server_url = server.geturl()
        self._processes = []
        self.media = folder / "media"
        self.media.mkdir()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPENBLAS_"))}
        self.environment = inherited | {
            "SITE_URL": self.url,
            "SECRET_KEY": secrets.token_urlsafe(64),
            "DATABASE_URL": server._replace(path=f"/{self.database}").geturl(),
            "MEDIA_ROOT": str(self.media),
            "PORT": str(self.web_port),
            "GMM_DOWNLOADS": "nginx",
            "GMM_WORKER_SLOTS": "1",
            "GMM_METRICS_TOKEN": TOKEN,
            "LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self):
        with self.administering() as connection:
            connection.execute(f"CREATE DATABASE {self.database}")
        done = self.manage("prepare")
        assert done.returncode == 0, done.stderr
        self.password = re.search(r"^ +password +(\S+)", done.stdout, re.MULTILINE)[1]
        self._run("web", [sys.executable, "-m", "gmmsite.deploy.web"])
        for number in (1, 2):
            self._run(f"worker-{number}", [sys.executable, "manage.py", "worker"])
        self._run("nginx", ["nginx", "-e", str(self.folder / "nginx-error.log"), "-c", str(self._configure_nginx())])
        eventually(lambda: self.health() == (200, "ok"), within=180, every=0.5)

    def stop(self):
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
        with self.administering() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    def manage(self, *arguments):
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def get(self, address, **headers):
        """Ask without a session, and without following anywhere: (status, headers, body)."""
        request = urllib.request.Request(self.url + address, headers=headers)  # noqa: S310 - our own server
        opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=_unverified()))
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read()

    def health(self):
        try:
            status, _headers, body = self.get("/healthz")
        except OSError:
            return 0, ""
        with contextlib.suppress(ValueError):
            return status, json.loads(body)["status"]
        return status, ""

    @contextlib.contextmanager
    def administering(self):
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            yield connection

    @contextlib.contextmanager
    def without_database(self):
        """Let nobody into the site's database for a while."""
        with self.administering() as connection:
            connection.execute(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS false")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.database]
            )
        yield
        with self.administering() as connection:
            connection.execute(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS true")

    def _run(self, name, command):
        with (self.folder / f"{name}.log").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._processes.append(process)

    def _configure_nginx(self):
        """Change in the shipped file what its head says that one changes, and nothing else."""
        site = (DEPLOY / "nginx.conf").read_text()
        changes = {
            "gmm.example.org;": "localhost;",
            "/etc/gmm-studio/tls/": f"{self._certificate()}/",
            "127.0.0.1:8000 ": f"127.0.0.1:{self.web_port} ",
            "/var/lib/gmm-studio/media/;": f"{self.media}/;",
            "listen 80;": f"listen {self.plain_port};",
            "listen [::]:80;": "",
            "listen 443 ssl http2;": f"listen {self.port} ssl http2;",
            "listen [::]:443 ssl http2;": "",
        }
        if self.path:
            changes |= {
                "location / {": f"location = {self.path} {{ return 301 {self.path}/; }}\n    location {self.path}/ {{",
                "rewrite ^ /too-large/ break;": f"rewrite ^ {self.path}/too-large/ break;",
            }
        for old, new in changes.items():
            assert old in site, old
            site = site.replace(old, new)
        (self.folder / "site.conf").write_text(site)
        user = "user root;" if os.geteuid() == 0 else ""  # a test's folder is open to nobody else
        temporary = "".join(
            f"{name}_temp_path {self.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = self.folder / "nginx.conf"
        main.write_text(
            f"daemon off; {user} worker_processes 1; pid {self.folder}/nginx.pid;\nevents {{}}\n"
            f"http {{\n{temporary}access_log off;\ninclude /etc/nginx/mime.types;\ninclude {self.folder}/site.conf;\n}}\n"
        )
        return main

    def _certificate(self):
        folder = self.folder / "tls"
        folder.mkdir()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        return folder


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None


def _unverified():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture(scope="module", params=["", "/studio"], ids=["own host", "below a path"])
def deployment(request, tmp_path_factory):
    running = Deployment(tmp_path_factory.mktemp("deployment"), request.param)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def china():
    """A photograph of 640 x 427 pixels."""
    return load_sample_image("china.jpg")
