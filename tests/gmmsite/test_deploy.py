"""The shipped files name what there is; `make soak` starts them."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

DEPLOY = Path(__file__).resolve().parents[2] / "gmmsite" / "deploy"
ROOT = DEPLOY.parents[1]
NOT_FOR_A_DEPLOYMENT = {"DEBUG", "GMM_TOOLBAR", "GMM_INSECURE_HTTP", "TEST_DATABASE"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_every_setting_is_in_the_environment_file():
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (DEPLOY / "environment.example").read_text(), re.MULTILINE))
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "gmmsite" / "settings.py").read_text()))
    assert read - named == NOT_FOR_A_DEPLOYMENT


def test_every_command_that_is_started_exists(compose):
    units = "".join(path.read_text() for path in (DEPLOY / "systemd").glob("*.service"))
    started = set(re.findall(r"manage\.py (\w+)", units))
    for service in compose["services"].values():
        for words in (service.get("command", []), service.get("healthcheck", {}).get("test", [])):
            started |= {words[place + 1] for place, word in enumerate(words[:-1]) if word == "manage.py"}
    assert {"worker", "prepare", "workerprobe"} <= started <= set(get_commands())


def test_every_file_that_is_named_exists(compose):
    texts = [path.read_text() for path in [*(DEPLOY / "systemd").glob("*.service"), DEPLOY / "Dockerfile"]]
    for name in re.findall(r"gmmsite/deploy/[\w.]+", "".join(texts)):
        assert (ROOT / name).exists(), name
    build = compose["services"]["prepare"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")
    for copied in re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split()), copied


def test_containers_wait_for_what_they_need_and_only_nginx_is_reached_from_outside(compose):
    services = compose["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"web"}
    assert services["nginx"]["network_mode"] == "service:web"
    assert services["web"]["command"] == ["python", "-m", "gmmsite.deploy.web"], (
        "it listens on loopback: it believes its proxy"
    )
    assert {needed for service in services.values() for needed in service.get("depends_on", [])} <= services.keys()


def test_the_probe_of_the_web_container_is_python(compose):
    compile(compose["services"]["web"]["healthcheck"]["test"][3], "healthcheck", "exec")


def test_the_body_that_nginx_takes_is_that_of_the_site_and_a_little_more(settings):
    megabytes = int(re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())[1])
    assert settings.GMM_MAX_UPLOAD_BYTES < megabytes * 2**20 < settings.GMM_MAX_UPLOAD_BYTES * 1.1
