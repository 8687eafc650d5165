"""Another user of the machine reads the database and the pictures."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OTHERS = stat.S_IRWXO
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO
USE = """
import django
django.setup()
from django.conf import settings
from segmentation import execution, services
from segmentation.engine.recipe import Recipe
from segmentation.models import Run, User
image = services.upload_sample(owner=User.objects.get(), name="coins")
services.create_run(image=image, recipe=Recipe(n_clusters=2))
execution.serve_until_empty()
assert Run.objects.get().succeeded
"""


@pytest.fixture
def site(tmp_path):
    """Start a site with nothing in it, under the usual umask, and use it: a picture and a run."""

    def use(**more):
        environment = {
            "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "gmmsite.settings", "SECRET_KEY": "k" * 60,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'site' / 'db.sqlite3'}", "MEDIA_ROOT": str(tmp_path / "site" / "media"),
            "OPENBLAS_NUM_THREADS": "1", **more,
        }  # fmt: skip
        (tmp_path / "site").mkdir(exist_ok=True)
        for program in (["manage.py", "prepare", "--no-static"], ["-c", USE]):
            subprocess.run([sys.executable, *program], cwd=ROOT, env=environment, check=True, umask=0o022)
        return tmp_path / "site"

    return use


def rights(folder):
    """The rights of each file and folder below one."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.exists()
    }


def test_of_a_new_site(site):
    found = rights(site())
    assert {"db.sqlite3", "media", "media/images"} <= set(found)
    assert any(name.endswith("/original") for name in found)
    assert {name: oct(mode) for name, mode in found.items() if mode & GROUP_AND_OTHERS} == {}


def test_of_a_site_that_was_started_with_an_earlier_release(site, tmp_path):
    media = tmp_path / "site" / "media"
    media.mkdir(parents=True)
    media.chmod(0o755)
    database = tmp_path / "site" / "db.sqlite3"
    database.touch()
    database.chmod(0o644)
    found = rights(site())
    assert found["db.sqlite3"] == 0o600
    assert found["media"] == 0o700  # and nobody gets past it to what is older


def test_where_nginx_sends_originals_its_group_reads_them_and_nobody_else(site):
    found = rights(site(GMM_DOWNLOADS="nginx"))
    assert {name: oct(mode) for name, mode in found.items() if mode & OTHERS} == {}
    (original,) = (mode for name, mode in found.items() if name.endswith("/original"))
    assert original == 0o640
    folders = [mode for name, mode in found.items() if name.startswith("media") and name.count("/") <= 1]
    assert set(folders) == {0o750}


def test_static_files_are_everybodys(tmp_path):
    """nginx, or a container with a user of its own, must be able to read what was collected by another."""
    program = (
        "import django; django.setup(); from pathlib import Path; from django.conf import settings; "
        f"settings.STATIC_ROOT = Path({str(tmp_path / 'static')!r}); "
        "from segmentation.management.commands.prepare import collect_static_files; collect_static_files()"
    )
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "gmmsite.settings", "SECRET_KEY": "k" * 60}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, umask=0o022)
    assert set(rights(tmp_path / "static").values()) == {0o644, 0o755}
    assert stat.S_IMODE((tmp_path / "static").stat().st_mode) == 0o755
