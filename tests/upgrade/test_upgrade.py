"""A site that an earlier release has made is migrated, and shows the same figures and the same labels.

`d761115.tar.xz` is a database and a folder of pictures as commit d761115 has left them: people, pictures of 8 bits and deeper, runs
of every kind, edited legends, and what that release itself said of them (`expected.json`).
"""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import jsonschema
import pytest

from segmentation.engine import artefacts
from tests.processes import ROOT

FOLDER = Path(__file__).parent
SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
DONE_LATER = {"running", "queued"}  # a worker of today finishes them
REWORDED = {
    "they were laid over white, and fully transparent ones count nowhere": (
        "they were blended with white, and fully transparent ones are left out"
    ),
    "hold no number (NaN or infinity) and count nowhere": "have no number (NaN or infinity) and are left out",
}
"""Parts of notices in the words of the earlier release, and in those of today."""


class Site:
    """The files of an earlier release's site, used by the programs of today."""

    def __init__(self, folder):
        with tarfile.open(FOLDER / "d761115.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        self.expected = json.loads((folder / "expected.json").read_text())
        self._environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "MEDIA_ROOT": str(folder / "media"),
            "DJANGO_SETTINGS_MODULE": "gmmsite.settings",
            "DEBUG": "1",  # static files from their sources
            "OPENBLAS_NUM_THREADS": "1",
        }

    def run(self, *command):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def report(self, *options):
        return json.loads(self.run("-m", "tests.upgrade.site_report", *options))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    site.run("manage.py", "migrate", "--verbosity", "0")
    return site


@pytest.fixture(scope="module")
def report(site):
    return site.report()


def test_every_run_shows_the_same_figures_and_labels(site, report):
    for name, expected in site.expected["runs"].items():
        found = report["runs"][expected["id"]]
        wanted = {key: value for key, value in expected.items() if key != "id"}
        if "foreground_share" in wanted:  # of pixels now, as in run.json; it was the sum of rounded shares
            wanted["foreground_share"] = pytest.approx(wanted["foreground_share"], rel=1e-14)
        assert found == wanted, name


def test_every_file_of_an_earlier_result_can_be_made(site, report):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for name, expected in site.expected["runs"].items():
        if expected["state"] != "succeeded":
            continue
        found = report["artefacts"][expected["id"]]
        maps = set() if expected["recipe"].get("preset") == "regions" else {"uncertainty", "novelty"}
        usual = {"labels", "segmented", "binary", "thumbnail", "masks"} | maps
        assert set(found["sizes"]) - {"document"} == usual, name
        assert all(found["sizes"].values()), name
        if found["document"] is not None:
            validator.validate(found["document"])
            assert found["document"]["input"]["axes"] is None, name  # that release did not keep it
            assert found["document"]["area"] == {"unit": "px", "method": "pixels"}, name
            shares = [cluster["share"] for cluster in found["document"]["clusters"]]
            assert shares == [cluster["share"] for cluster in expected["clusters"]], name
    assert any(found["document"] for found in report["artefacts"].values())


def test_results_of_pictures_without_a_layout_have_areas_once_a_size_is_given(report):
    assert report["with_a_size"]
    for key, found in report["with_a_size"].items():
        assert found["unit"] == "um2"
        assert found["areas"] == [4 * cluster["pixels"] for cluster in report["runs"][key]["clusters"]], key


def in_words_of_today(notice):
    for earlier, today in REWORDED.items():
        notice = notice.replace(earlier, today)
    return notice


def test_an_earlier_tree_of_regions_keeps_its_costs_and_gives_the_stored_regions(report):
    """Their costs were products above 0; those of today are log-odds, and say so."""
    assert report["trees"]
    for tree in report["trees"].values():
        assert tree["scale"] is None
        assert min(tree["costs"]) >= 0
        assert tree["cost"] in tree["costs"]
        assert tree["regions"][0] == tree["regions"][1]


def test_every_picture_and_person_is_described_as_before(site, report):
    for key, expected in site.expected["images"].items():
        notices = [in_words_of_today(notice) for notice in expected["notices"]]
        assert report["images"][key] == expected | {"notices": notices}
    assert len(report["images"]) == len(site.expected["images"])
    assert report["users"] == site.expected["users"]


def test_every_page_answers(report):
    assert len(report["pages"]) == 3 + 8 + 19  # pages of their own, pictures, runs
    assert set(report["pages"].values()) == {200}


def test_no_file_is_missing_or_altered(report):
    assert report["is_sound"]


def test_the_archive_of_a_person_holds_every_earlier_result(site, report):
    archive = site.report("--work", "--archive")["archive"]
    usual = {"components.png", "fit.npz", "labels.png", "segmented.png", "binary.png", "legends.json"}
    for key, found in report["artefacts"].items():
        if site.expected["images"][report["runs"][key]["image"]]["owner"] != "owner":
            continue
        assert set(archive[key]["names"]) - {"run.json"} == usual, key
        assert (archive[key]["document"] is None) == (found["document"] is None), key
        if found["document"] is not None:
            parts = found["document"].keys() - {"outputs"}
            assert {part: archive[key]["document"][part] for part in parts} == {
                part: found["document"][part] for part in parts
            }, key


def test_a_worker_of_today_finishes_what_waits_and_what_was_interrupted(site):
    report = site.report("--work")
    for name, expected in site.expected["runs"].items():
        state = "succeeded" if expected["state"] in DONE_LATER else expected["state"]
        assert report["runs"][expected["id"]]["state"] == state, name
    plain, queued = (report["runs"][site.expected["runs"][name]["id"]] for name in ("plain", "queued"))
    assert queued["pixels_sha256"] == plain["pixels_sha256"]  # the same recipe on the same picture
