"""The archive of a person's own data: complete, private, one a person, and gone when its time is over."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from segmentation import execution, files, services, upkeep
from segmentation.engine import pipeline
from segmentation.engine.artefacts import ARTEFACTS, result_name
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import Conflict
from segmentation.models import Image, Job, JobOutput, Run
from segmentation.models.jobs import JobKind, State
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

LIMITS = Limits(bytes=10**8, pixels=10**7, decoded_bytes=10**8)


def packed(owner):
    """Make the archive of a person for real; returns the files in it by name."""
    services.create_archive(owner=owner)
    execution.serve_until_empty()
    status = services.archive_status(owner=owner)
    assert status.is_ready, status.message
    with services.open_archive(archive=services.ready_archive(owner=owner)) as file:
        data = file.read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len({name.casefold() for name in names}) == len(names)
        return {name: archive.read(name) for name in names}


@pytest.fixture
def site(owner):
    """Two pictures of one name, one of them with a mask that is used and one that is not; runs of all fates; a legend that was edited."""
    first, second = (
        factories.make_image(owner),
        factories.make_image(owner, factories.encoded(factories.pixels(seed=1))),
    )
    mask = factories.make_mask(first)
    factories.make_mask(first, 255 - factories.bar_mask())
    edited = factories.make_run(first)
    services.create_run(image=first, recipe=Recipe(n_clusters=None), inputs=Inputs(mask=mask))
    services.create_run(image=second, recipe=Recipe(n_clusters=None, preset="regions"))
    execution.serve_until_empty()
    edited = Run.objects.select_related("job", "image", "result").get(pk=edited.pk)
    services.edit_legend(run=edited, author=owner, expected=0, foreground={0: True, 1: False}, merge=(1, 2))
    cancelled = factories.make_run(second)
    services.cancel_run(run=cancelled)
    factories.make_image(factories.make_user("somebody-else"), name="secret.png")
    return owner


def test_the_archive_holds_every_file_and_row_of_the_person_and_nothing_of_others(site):
    found = packed(site)
    contents = {hashlib.sha256(data).hexdigest() for data in found.values()}
    pictures = {
        document["id"]: (name.rpartition("/")[0], document)
        for name, document in (
            (name, json.loads(data)) for name, data in found.items() if name.endswith("/picture.json")
        )
    }
    assert set(pictures) == {str(key) for key in Image.objects.filter(owner=site).values_list("pk", flat=True)}
    for image in Image.objects.filter(owner=site):
        folder, _document = pictures[str(image.pk)]
        original = found[f"{folder}/original/{image.name}"]
        assert hashlib.sha256(original).hexdigest() == image.sha256
        assert set(image.masks or ()) <= contents
    runs = {run["id"]: (f"{folder}/{run['folder']}", run) for folder, each in pictures.values() for run in each["runs"]}
    assert set(runs) == {str(key) for key in Run.objects.filter(job__owner=site).values_list("pk", flat=True)}
    for run in Run.objects.filter(job__owner=site).select_related("job", "result", "image"):
        folder, short = runs[str(run.pk)]
        assert (short["recipe"], short["inputs"], short["job"]["state"]) == (run.recipe, run.inputs, run.job.state)
        if run.inputs.get("mask"):
            assert run.inputs["mask"] in contents
        if not run.succeeded:
            assert short["folder"] is None
            continue
        for name in ("components.png", "fit.npz"):
            assert hashlib.sha256(found[f"{folder}/{name}"]).hexdigest() == run.result.files[name]["sha256"]
        source = services.stored_result(run=run)
        for name in ("labels", "segmented", "binary"):
            assert found[f"{folder}/{name}.png"] == ARTEFACTS[name].make(source)
        legends = json.loads(found[f"{folder}/legends.json"])
        assert legends["revision"] == run.revision
        assert [one["legend"] for one in legends["revisions"]] == list(
            run.revisions.order_by("number").values_list("legend", flat=True)
        )
    account = json.loads(found["account.json"])
    assert (account["user_name"], account["id"]) == ("owner", site.pk)
    assert "missing.txt" not in found
    assert not any(b"secret" in data for data in found.values())
    assert site.password.encode() not in b"".join(found.values())


def test_the_folder_of_a_result_says_how_many_of_what_were_found_as_its_downloads_do(site):
    found = packed(site)
    runs = [run for name, data in found.items() if name.endswith("/picture.json") for run in json.loads(data)["runs"]]
    folders = {run["id"]: run["folder"] for run in runs}
    kinds = set()
    for run in Run.objects.filter(job__owner=site, job__state=State.SUCCEEDED).select_related("job", "image", "result"):
        count = len(services.stored_result(run=run).legend.clusters)
        kind = result_name("a.png", count, regions=run.has_regions).removeprefix("a-")
        assert folders[str(run.pk)] == f"{run.job.created:%Y-%m-%d}-{kind}"
        kinds.add(kind.rstrip("0123456789"))
    assert kinds == {"k", "regions"}


def test_the_sums_in_the_archive_are_those_of_all_its_files(site):
    found = packed(site)
    sums = dict(line.split("  ", 1)[::-1] for line in found.pop("sha256sums.txt").decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}


@pytest.mark.parametrize(
    "recipe", [Recipe(n_clusters=3), Recipe(n_clusters=None), Recipe(n_clusters=None, preset="regions")]
)
def test_run_json_says_what_the_command_line_says(image, recipe):
    run = services.create_run(image=image, recipe=recipe)
    execution.serve_until_empty()
    found = packed(image.owner)
    data = files.read(files.image_key(image.pk, "original"))
    outcome = pipeline.run(data, name=image.name, recipe=Recipe.from_mapping(run.recipe), limits=LIMITS)
    (name,) = (name for name in found if name.endswith("/run.json"))
    folder = name.rpartition("/")[0]
    beside = {
        each: found[f"{folder}/{each}"]
        for each in ("components.png", "fit.npz", "labels.png", "segmented.png", "binary.png")
    }
    expected = json.loads(ARTEFACTS["document"].make(pipeline.OutcomeSource(outcome, outputs=beside)))
    got = json.loads(found[name])
    assert got.pop("seconds").keys() == expected.pop("seconds").keys()
    assert got == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../../etc/passwd.png", "_.._.._etc_passwd.png"),
        ("C:\\Windows\\a.png", "C__Windows_a.png"),
        ("con.png", "_con.png"),
        ("\u202egnp.exe", "gnp.exe"),
        (" . ", "picture"),
        ("Größe.png", "Größe.png"),
    ],
)
def test_names_of_pictures_cannot_leave_their_folder(owner, name, expected):
    image = factories.make_image(owner)
    Image.objects.filter(pk=image.pk).update(name=name)
    found = packed(owner)
    (original,) = (each for each in found if "/original/" in each)
    assert original.rpartition("/")[2] == expected
    assert ".." not in original.split("/")


def test_a_file_that_is_gone_is_named_and_the_rest_is_there(site, media):
    image = Image.objects.filter(owner=site).first()
    media.delete(files.image_key(image.pk, "original"))
    found = packed(site)
    assert len(found["missing.txt"].decode().splitlines()) == 1
    assert sum("/original/" in name for name in found) == 1


def test_the_archive_of_a_person_without_pictures_holds_the_account(owner):
    assert set(packed(owner)) == {"account.json", "sha256sums.txt"}


def test_everybody_has_one_archive_and_a_new_one_replaces_it(owner, image, media):
    packed(owner)
    (first,) = media.keys("outputs")
    packed(owner)
    (second,) = media.keys("outputs")
    assert first != second
    assert JobOutput.objects.count() == Job.objects.filter(kind=JobKind.ARCHIVE).count() == 1


def test_a_second_archive_is_refused_while_one_is_made(owner):
    services.create_archive(owner=owner)
    with pytest.raises(Conflict):
        services.create_archive(owner=owner)
    services.cancel_archive(owner=owner)
    services.create_archive(owner=owner)
    assert services.archive_status(owner=owner).state == State.QUEUED


def test_it_is_outside_the_quota(owner, image, settings):
    settings.GMM_QUOTA_BYTES = services.usage(owner=owner).bytes
    settings.GMM_QUOTA_ACTIVE_RUNS = 1
    before = services.usage(owner=owner).bytes
    packed(owner)
    assert services.usage(owner=owner).bytes == before
    settings.GMM_QUOTA_BYTES = 10**9
    services.create_archive(owner=owner)
    factories.make_run(image)


def test_it_is_deleted_after_seven_days(owner, image, media):
    packed(owner)
    output = JobOutput.objects.get()
    assert timedelta(days=6.9) < output.expires - timezone.now() <= timedelta(days=7)
    assert upkeep.remove_expired()["outputs"] == 0
    JobOutput.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert services.archive_status(owner=owner) is None
    assert services.ready_archive(owner=owner) is None
    assert upkeep.remove_expired()["outputs"] == 1
    assert not Job.objects.exists()
    assert media.keys("outputs") == []


def test_one_that_failed_is_forgotten_after_seven_days(owner):
    services.create_archive(owner=owner)
    services.cancel_archive(owner=owner)
    assert upkeep.remove_expired()["outputs"] == 0
    Job.objects.update(finished=timezone.now() - timedelta(days=8))
    assert upkeep.remove_expired()["outputs"] == 1
    assert not Job.objects.exists()


def test_waiting_archives_are_not_before_a_run(image):
    """Each kind has a queue of its own to be counted in."""
    for number in range(3):
        services.create_archive(owner=factories.make_user(f"person-{number}"))
    run = factories.make_run(image)
    assert services.run_status(run=run).position == 0


def test_rows_of_a_kind_that_nobody_knows_block_nothing(image, owner):
    for _ in range(3):
        Job.objects.create(owner=owner, kind="later", expected_seconds=1.0)
    run = factories.make_run(image)
    assert services.run_status(run=run).position == 0
    assert execution.serve_until_empty() is False
    assert Job.objects.get(pk=run.pk).state == State.SUCCEEDED
    assert set(Job.objects.filter(kind="later").values_list("state", flat=True)) == {State.QUEUED}


def test_an_archive_says_nothing_of_the_speed_of_its_worker_and_is_in_no_average_of_runs(image):
    factories.make_run(image)
    services.create_archive(owner=image.owner)
    execution.serve_until_empty()
    assert services.recent_jobs().succeeded == 1
    assert services.recent_jobs(kind=JobKind.ARCHIVE).succeeded == 1
