"""What the child does, done here."""

import itertools
import uuid

import pytest

from segmentation import files
from segmentation.engine.progress import Stage
from segmentation.exceptions import StorageUnavailable
from segmentation.execution.kinds import attempt_files, kind_of

pytestmark = pytest.mark.django_db(transaction=True)


def assign(run):
    run.job.lease, run.job.attempt = uuid.uuid4(), 1
    return kind_of(run.job).assign(run.job)


def perform(assignment, report):
    return assignment.call(report, None)


@pytest.fixture
def assignment(queued_run):
    return assign(queued_run)


def test_progress_goes_through_all_stages_and_never_back(assignment):
    told = []
    perform(assignment, told.append)
    stages = [stage for stage, _ in itertools.groupby(told, key=lambda report: report[0])]
    assert stages == [stage.value for stage in Stage]
    percents = [percent for _, percent in told]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert len(told) == len(set(told)), "nothing is told twice"


def test_everything_is_stored_under_the_lease_and_nowhere_else(assignment, media):
    product = perform(assignment, lambda _value: None)
    prefix = assignment.prefix
    names = {key.removeprefix(f"{prefix}/") for key in media.keys("runs")}
    assert names == set(product.files) == {"binary.png", "components.png", "fit.npz", "thumbnail"}
    types = {name: stored["content_type"] for name, stored in product.files.items()}
    assert types.pop("thumbnail") in {"image/webp", "image/jpeg", "image/png"}
    assert types == {
        "binary.png": "image/png",
        "components.png": "image/png",
        "fit.npz": "application/octet-stream",
    }


def test_two_attempts_make_the_same_bytes(assignment, queued_run):
    again = assign(queued_run)
    first, second = (perform(each, lambda _value: None).files for each in (assignment, again))
    for name in ("components.png", "binary.png", "thumbnail"):
        assert first[name]["sha256"] == second[name]["sha256"]


def test_a_storage_that_comes_back_is_worth_waiting_for(assignment, image, media, monkeypatch):
    monkeypatch.setattr(attempt_files, "_PAUSES", (0.01, 0.01))
    key = files.image_key(image.pk, "original")
    original = files.read(key)
    media.delete(key)
    pauses = []

    def bring_back(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            files.put(key, original)

    monkeypatch.setattr(attempt_files.time, "sleep", bring_back)
    assert perform(assignment, lambda _value: None).files
    assert pauses == [0.01, 0.01]


def test_a_storage_that_stays_away_is_said(assignment, image, media, monkeypatch):
    monkeypatch.setattr(attempt_files, "_PAUSES", (0.01, 0.01))
    media.delete(files.image_key(image.pk, "original"))
    with pytest.raises(StorageUnavailable):
        perform(assignment, lambda _value: None)
