"""The mode of the site follows from SITE_URL; each case is a process of its own, because settings are read once."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gmmsite import secret_key

ROOT = Path(__file__).resolve().parents[2]
PRINT = """
import json, django
from django.conf import settings
EXTRA = ["FORCE_SCRIPT_NAME", "STATIC_URL", "SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH", "SECURE_REDIRECT_EXEMPT",
         "ALLAUTH_TRUSTED_PROXY_COUNT", "SECURE_PROXY_SSL_HEADER"]
names = ["SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS",
         "SECURE_SSL_REDIRECT", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DEBUG", *EXTRA]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def read_settings(program=PRINT, **environment):
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_START") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**inherited, "DJANGO_SETTINGS_MODULE": "gmmsite.settings", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_https_turns_on_everything_that_protects_cookies_and_transport():
    done = read_settings(SITE_URL="https://gmm.example.org", SECRET_KEY="k" * 60)
    settings = json.loads(done.stdout)
    assert (
        settings.items()
        >= {
            "SESSION_COOKIE_NAME": "__Host-sessionid",
            "SESSION_COOKIE_SECURE": True,
            "CSRF_COOKIE_NAME": "__Host-csrftoken",
            "CSRF_COOKIE_SECURE": True,
            "SECURE_HSTS_SECONDS": 31_536_000,
            "SECURE_SSL_REDIRECT": True,
            "ALLOWED_HOSTS": ["gmm.example.org"],
            "CSRF_TRUSTED_ORIGINS": ["https://gmm.example.org"],
            "DEBUG": False,
            "SESSION_COOKIE_PATH": "/",
            "STATIC_URL": "/static/",
        }.items()
    )


def test_without_environment_the_site_serves_loopback_only_and_without_debug():
    settings = json.loads(read_settings(SECRET_KEY="k").stdout)
    assert settings["DEBUG"] is False
    assert sorted(settings["ALLOWED_HOSTS"]) == ["127.0.0.1", "::1", "localhost"]
    assert settings["SESSION_COOKIE_NAME"] == "sessionid"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SITE_URL": "https://gmm.example.org"}, "Set SECRET_KEY"),
        ({"SITE_URL": "http://gmm.example.org", "SECRET_KEY": "k"}, "GMM_INSECURE_HTTP=1"),
        ({"SITE_URL": "gmm.example.org", "SECRET_KEY": "k"}, "must look like https://"),
        ({"TASKS_BACKEND": "rq", "SECRET_KEY": "k"}, "TASKS_BACKEND=rq needs REDIS_URL, for example redis://"),
        ({"TASKS_BACKEND": "celery", "SECRET_KEY": "k"}, "must be rows (one machine) or rq (many), not 'celery'"),
        ({"GMM_WEB_PROCESSES": "2", "SECRET_KEY": "k"}, "GMM_WEB_PROCESSES=2 needs REDIS_URL"),
    ],
)
def test_what_would_be_unsafe_or_cannot_work_is_refused_with_the_remedy(environment, says):
    done = read_settings(**environment)
    assert done.returncode != 0
    assert says in done.stderr


def test_plain_http_elsewhere_is_possible_and_says_what_it_means():
    done = read_settings(SITE_URL="http://gmm.example.org", SECRET_KEY="k", GMM_INSECURE_HTTP="1")
    assert done.returncode == 0
    assert "clear text" in done.stderr


CHOICES = """
import json, django; django.setup()
from django.core.cache import caches
from django.core.files.storage import storages
from django_tasks import task_backends
print(json.dumps([type(parts["default"]).__name__ for parts in (caches, storages, task_backends)]))
"""


@pytest.mark.parametrize(
    ("environment", "parts"),
    [
        ({}, ["LocMemCache", "LocalMedia", "RowsBackend"]),
        ({"REDIS_URL": "redis://127.0.0.1"}, ["SharedCache", "LocalMedia", "RowsBackend"]),
        ({"AWS_STORAGE_BUCKET_NAME": "pictures"}, ["LocMemCache", "S3Media", "RowsBackend"]),
        ({"REDIS_URL": "redis://127.0.0.1", "TASKS_BACKEND": "rq"}, ["SharedCache", "LocalMedia", "RedisBackend"]),
    ],
)
def test_settings_switch_the_parts_one_by_one(environment, parts):
    done = read_settings(CHOICES, SECRET_KEY="k", **environment)
    assert json.loads(done.stdout) == parts, done.stderr


def test_the_generated_secret_stays_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "site" / ".secret-key"
    path.parent.mkdir()
    first = secret_key.read_or_create(path)
    assert len(first) >= 50
    assert secret_key.read_or_create(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [".secret-key"]


def test_two_processes_that_start_together_agree_on_one_secret(tmp_path):
    program = f"import pathlib; from gmmsite import secret_key; print(secret_key.read_or_create(pathlib.Path({str(tmp_path)!r}) / 'key'))"
    racers = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    assert len({racer.communicate()[0] for racer in racers}) == 1


def test_a_web_process_imports_neither_scikit_learn_nor_its_heavy_friends():
    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'gmmsite.settings'\n"
        "from gmmsite.wsgi import application; from django.urls import get_resolver; get_resolver().url_patterns\n"
        "print([name for name in ('sklearn', 'skimage', 'imagecodecs', 'tifffile') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_below_a_path_addresses_and_cookies_stay_there():
    done = read_settings(SITE_URL="https://gmm.example.org/studio/", SECRET_KEY="k" * 60)
    settings = json.loads(done.stdout)
    assert settings["FORCE_SCRIPT_NAME"] == "/studio"
    assert settings["STATIC_URL"] == "/studio/static/"
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://gmm.example.org"]
    assert settings["SESSION_COOKIE_NAME"] == "__Secure-sessionid", "__Host- would need the path /"
    assert settings["CSRF_COOKIE_NAME"] == "__Secure-csrftoken"
    assert settings["SESSION_COOKIE_PATH"] == settings["CSRF_COOKIE_PATH"] == "/studio"
    assert [bool(re.match(settings["SECURE_REDIRECT_EXEMPT"][0], path)) for path in ("studio/healthz", "healthz")] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("environment", "count", "header"),
    [
        ({}, 0, None),
        ({"SITE_URL": "https://gmm.example.org"}, 1, ["HTTP_X_FORWARDED_PROTO", "https"]),
        ({"SITE_URL": "https://gmm.example.org", "GMM_TRUSTED_PROXIES": "0"}, 0, None),
        ({"SITE_URL": "https://gmm.example.org", "GMM_TRUSTED_PROXIES": "2"}, 2, ["HTTP_X_FORWARDED_PROTO", "https"]),
    ],
)
def test_only_as_many_proxies_are_believed_as_there_are(environment, count, header):
    settings = json.loads(read_settings(SECRET_KEY="k" * 60, **environment).stdout)
    assert (settings["ALLAUTH_TRUSTED_PROXY_COUNT"], settings["SECURE_PROXY_SSL_HEADER"]) == (count, header)


def test_the_site_begins_at_its_path_and_nowhere_else():
    """The application itself, called as the web server calls it."""
    program = """
import io, json
from gmmsite.wsgi import application
def get(path):
    said = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.input": io.BytesIO(),
               "wsgi.url_scheme": "http", "HTTP_HOST": "localhost", "QUERY_STRING": ""}
    body = b"".join(application(environ, lambda status, headers: said.extend([status, dict(headers)])))
    return said[0][:3], said[1].get("Location", ""), body.decode()
print(json.dumps([get(path) for path in ("/studio/history/", "/history/", "/studiohistory/", "/studio")]))
"""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_START") if name in os.environ}
    environment = {**inherited, "SITE_URL": "http://localhost/studio", "SECRET_KEY": "k", "DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    inside, *outside = json.loads(done.stdout)
    assert inside[:2] == ["302", "/studio/accounts/login/?next=/studio/history/"]
    assert [answer[0] for answer in outside] == ["404", "404", "404"]
    assert "This site begins at /studio/" in outside[0][2]
