"""The static files as a deployment collects them: under hashed names, with the imports between scripts rewritten."""

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

IMPORT = re.compile(r"""(?:from|import)\s*\(?["'](\.{1,2}/[^"']+)["']""")


@pytest.fixture
def collect(settings, tmp_path):
    """Collect a folder as `prepare` does, and return where the files are."""

    def run(source: Path = settings.BASE_DIR / "static") -> Path:
        settings.STATICFILES_DIRS = [source]
        settings.STATIC_ROOT = tmp_path / "collected"
        backend = {"BACKEND": "gmmsite.storage.HashedStaticFiles"}
        settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}
        call_command("collectstatic", interactive=False, verbosity=0)
        return settings.STATIC_ROOT

    return run


def test_every_import_of_a_collected_script_names_a_hashed_file_that_is_there(collect):
    collected = collect()
    hashed = re.compile(r"\.[0-9a-f]{12}\.js$")
    scripts = [path for path in (collected / "js").rglob("*.js") if hashed.search(path.name)]
    assert len(scripts) == len(list((settings.BASE_DIR / "static" / "js").rglob("*.js")))
    seen = 0
    for script in scripts:
        for line in script.read_text().splitlines():
            for name in IMPORT.findall(line):
                if line.lstrip("/* ").startswith("@import"):
                    continue  # a type for tsc; browsers do not read it
                seen += 1
                assert hashed.search(name), (script.name, line)
                assert (script.parent / name).is_file(), (script.name, line)
    assert seen > 30


def test_only_what_pages_need_is_served(collect):
    js = collect() / "js"
    served = {path.relative_to(js).as_posix() for path in js.rglob("*") if path.is_file()}
    strange = {name for name in served if not re.search(r"\.js(\.gz|\.br)?$", name) or ".test." in name}
    assert strange == set()


@pytest.mark.parametrize("comment", ["", '/** @type {import("./model/absent.js").Absent} */\n'])
def test_a_type_from_a_missing_file_stops_the_collection_as_it_would_stop_a_deployment(collect, tmp_path, comment):
    folder = shutil.copytree(settings.BASE_DIR / "static", tmp_path / "changed")
    toast = folder / "js" / "toast.js"
    toast.write_text(comment + toast.read_text())
    if not comment:
        collect(folder)
        return
    with pytest.raises(ValueError, match=r"model/absent\.js"):
        collect(folder)
