"""One installation from its first start on; the tests of this file run in this order and depend on each other."""

import http.client
import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

STOP_SECONDS = 3.5  # what a person at the terminal waits, and half a second for a busy machine

FAKE = """#!/bin/sh
exec "{python}" -c '
import runpy, sys
{change}
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""


@pytest.fixture
def fake_python(tmp_path: Path):
    """Makes an interpreter that lacks something, out of the one that runs now."""

    def make(change: str) -> str:
        path = tmp_path / "python3"
        path.write_text(FAKE.format(python=sys.executable, change=change))
        path.chmod(0o755)
        return str(path)

    return make


def test_old_python_says_which_one_is_needed(checkout, fake_python) -> None:
    done = checkout.make("run", f"PYTHON={fake_python('sys.version_info = (3, 9, 2)')}")
    assert done.returncode != 0
    assert "GMM Studio needs Python 3.11 or newer, and this is Python 3.9." in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_python_says_what_to_install(checkout) -> None:
    done = checkout.make("run", "PYTHON=python3-that-nobody-has")
    assert done.returncode != 0
    assert "apt install python3 python3-venv" in done.stderr


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_bare_debian_python_says_which_package_to_install(checkout, fake_python, tmp_path, module) -> None:
    python = fake_python(f'sys.modules["{module}"] = None')
    done = checkout.make("run", f"PYTHON={python}", f"VENV={tmp_path / 'new'}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / "new").exists()


def test_taken_port_says_who_has_it_and_which_setting_to_change(checkout, start, tmp_path) -> None:
    before = checkout.files()
    hold = (
        f"import socket; s = socket.create_server(('127.0.0.1', {checkout.port})); print('held', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        done = checkout.make("run")
        other.communicate(b"\n", timeout=10)
    assert done.returncode != 0
    assert f"Port {checkout.port} is taken by python" in done.stderr
    assert f"(process {other.pid})" in done.stderr
    assert re.search(r"PORT=\d+ make run", done.stderr)
    assert checkout.files() == before, "nothing may happen before the port is known to be free"


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "8000x"])
def test_what_is_no_port_is_said(checkout, port) -> None:
    done = checkout.make("run", f"PORT={port}")
    assert done.returncode != 0
    assert f"PORT={port} is not a port" in done.stderr


def test_first_start_makes_one_administrator_and_the_second_none(checkout, start) -> None:
    before = checkout.files()
    first = start()
    first.wait_until_open()
    assert first.get("/")[0] == 200
    password = re.search(r"^ +password +(\S+)$", first.output, re.MULTILINE)[1]
    assert len(password) == 16
    assert page_after_sign_in_to_admin(first.address, password) == f"{first.address}/admin/"
    browser = http.client.HTTPConnection("127.0.0.1", checkout.port, timeout=10)
    browser.request("GET", "/healthz")
    browser.getresponse().read()  # and keep the connection, as browsers do
    assert first.signal(signal.SIGINT) < STOP_SECONDS
    browser.close()
    assert "Traceback" not in first.output
    state = {"db.sqlite3", ".secret-key", "staticfiles"}
    assert checkout.files() - state <= before, "a start leaves its state behind, and nothing else"

    second = start()
    second.wait_until_open()
    assert "password" not in second.output
    assert second.signal(signal.SIGHUP) < STOP_SECONDS, "a closed terminal ends the site"


def page_after_sign_in_to_admin(address: str, password: str) -> str:
    """The address that the administrator ends on after signing in with what was printed."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = browser.open(f"{address}/admin/", timeout=10).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
    fields = {"csrfmiddlewaretoken": token, "login": "admin", "password": password, "next": "/admin/"}
    body = urllib.parse.urlencode(fields).encode()
    return browser.open(f"{address}/accounts/login/", body, timeout=10).url


def test_killed_processes_are_back_and_do_not_take_the_other_with_them(start) -> None:
    site = start()
    site.wait_until_open()
    site.wait_for_health("ok")
    worker = site.child("worker")
    assert site.kill("gmmsite.deploy.web") < 2
    site.wait_for_health("ok")
    assert site.child("worker") == worker
    web = site.child("gmmsite.deploy.web")
    assert site.kill("worker") < 2
    site.wait_for_health("ok")
    assert site.child("gmmsite.deploy.web") == web
    assert "GMM Studio: web has ended and is started again." in site.output
    assert "GMM Studio: worker has ended and is started again." in site.output
    assert site.signal(signal.SIGINT) < STOP_SECONDS


def test_nothing_outlives_a_killed_supervisor(start) -> None:
    site = start()
    site.wait_until_open()
    supervisor = next(pid for pid, line in site.processes().items() if "-m gmmsite.deploy.supervise" in line)
    os.kill(supervisor, signal.SIGKILL)
    site.make.wait(timeout=10)
    site.wait_until_empty(10)


def test_two_that_start_at_once_make_one_administrator(checkout) -> None:
    command = [sys.executable, "manage.py", "prepare"]
    environment = checkout.environment | {"DATABASE_URL": "sqlite:///race.sqlite3", "MEDIA_ROOT": "media/of/the/race"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=checkout.folder, env=environment, check=True,
        timeout=60,
    )  # fmt: skip
    both = [
        subprocess.Popen(command, cwd=checkout.folder, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("password" in text for text in said) == 1
    assert (checkout.folder / "media/of/the/race").is_dir(), "it can be looked at before the first picture"
