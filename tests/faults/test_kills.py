"""SIGKILL at every stage of a run: to the child that computes, and to the process that looks after it."""

import os
import random
import signal
import subprocess
import sys

import pytest

from segmentation import services
from segmentation.engine.recipe import Recipe
from segmentation.models import Image, Job, Run
from segmentation.models.jobs import State
from tests import factories
from tests.faults.gates import VARIABLE
from tests.faults.harness import beat_after, kill, parent_of, send
from tests.faults.trials import always_tried, tried
from tests.processes import ROOT, database_url, decoders_of, eventually, is_running, processor_seconds

pytestmark = pytest.mark.django_db(transaction=True)

FITTING_SECONDS = 0.05
SHORT = Recipe(n_clusters=3)
LONG = Recipe(n_clusters=24, exact=True, restarts=20, tolerance=1e-9, max_iterations=10_000)


# --- Stages: each waits for a moment of a run's life, and returns the child that lives it ---------------------------------


def after_claim(site, image, recipe=SHORT):
    site.gates.close("original")
    run = services.create_run(image=image, recipe=recipe)
    site.gates.wait_until_reached("original")
    return run, site.child()


def while_decoding(site, image):
    """Stop the process that decodes the picture for the child, which waits for it."""
    run, child = after_claim(site, image)
    starters = (
        parent_of(child),
        parent_of(parent_of(child)),
    )  # an RQ worker starts the decoder, and its work-horse the child
    servers = [server for starter in starters for server in decoders_of(starter)]
    site.gates.open("original")
    decoding = eventually(lambda: [pid for server in servers for pid in decoders_of(server)], every=0.001)
    for pid in decoding:
        send(signal.SIGSTOP, pid)
    assert beat_after(run).stage == "reading"
    return run, child


def in_em(site, image):
    """Let the child go on a little at a time until its worker has said that it fits."""
    run, child = after_claim(site, image, LONG)
    site.gates.open("original")
    stage = ""
    while stage != "fitting":
        before = processor_seconds(child)
        send(signal.SIGCONT, child)
        eventually(lambda: processor_seconds(child) >= before + FITTING_SECONDS, every=0.001)  # noqa: B023 - called at once
        send(signal.SIGSTOP, child)
        stage = beat_after(run).stage
    return run, child


def between_files(site, image):
    site.gates.close("binary.png")
    run = factories.make_run(image)
    site.gates.wait_until_reached("binary.png")
    return run, site.child()


def before_the_last_file(site, image):
    site.gates.close("fit.npz")
    run = factories.make_run(image)
    site.gates.wait_until_reached("fit.npz")
    return run, site.child()


def archive_while_reading(site, image):
    site.gates.close("original")
    archive = factories.make_archive(image.owner)
    site.gates.wait_until_reached("original")
    return archive, site.child()


def archive_before_it_is_stored(site, image):
    site.gates.close("archive.zip")
    archive = factories.make_archive(image.owner)
    site.gates.wait_until_reached("archive.zip")
    return archive, site.child()


def kill_child(site, image, stage):
    run, child = stage(site, image)
    kill(child)
    return run


def kill_parent(site, image, stage):
    run, child = stage(site, image)
    kill(parent_of(child))
    eventually(lambda: not is_running(child))
    return run


def kill_parent_before_the_final_update(site, image, before_the_last_file, name):
    """All files are stored and the child has ended, but the parent is killed before it stores the outcome."""
    run, child = before_the_last_file(site, image)
    parent = parent_of(child)
    send(signal.SIGSTOP, parent)
    site.gates.open(name)
    eventually(lambda: not is_running(child))
    assert Job.objects.get(pk=run.pk).state == State.RUNNING
    kill(parent)
    return run


STAGES = {
    "after the claim": after_claim,
    "while decoding": while_decoding,
    "in EM": in_em,
    "between two files": between_files,
    "before the last file": before_the_last_file,
    "of an archive while it reads": archive_while_reading,
    "of an archive before it is stored": archive_before_it_is_stored,
}
LAST_FILES = {"run": (before_the_last_file, "fit.npz"), "archive": (archive_before_it_is_stored, "archive.zip")}


def let_all_pass(site):
    for name in ("original", "binary.png", "fit.npz", "archive.zip"):
        site.gates.open(name)


@tried
@pytest.mark.parametrize("stage", STAGES)
def test_a_child_is_killed(site, settled, large_image, stage, trial):
    site.start()
    run = kill_child(site, large_image, STAGES[stage])
    let_all_pass(site)
    settled(f"SIGKILL to the child {stage}", [run])
    assert Job.objects.get(pk=run.pk).attempt == 2


@tried
@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_is_killed(site, settled, large_image, stage, trial):
    site.start()
    run = kill_parent(site, large_image, STAGES[stage])
    let_all_pass(site)
    settled(f"SIGKILL to the worker {stage}", [run])
    assert Job.objects.get(pk=run.pk).attempt == 2


@always_tried
@pytest.mark.parametrize("kind", LAST_FILES)
def test_a_worker_is_killed_before_the_final_update(site, settled, image, kind, trial):
    site.start()
    run = kill_parent_before_the_final_update(site, image, *LAST_FILES[kind])
    settled(f"SIGKILL to the worker before the final update ({kind})", [run])


@tried
@pytest.mark.parametrize("kind", LAST_FILES)
def test_a_worker_is_stopped(site, settled, image, kind, trial):
    """It requeues the jobs that it could not finish in time; another worker runs them, and the attempts do not count."""
    stage, name = LAST_FILES[kind]
    worker = site.start()
    job, _child = stage(site, image)
    send(signal.SIGTERM, worker.pid)
    eventually(lambda: not is_running(worker.pid) or worker.process.poll() is not None, within=30)
    site.gates.open(name)
    settled(f"SIGTERM to the worker ({kind})", [job])
    assert Job.objects.get(pk=job.pk).attempt == 1


@tried
def test_children_are_killed_until_no_attempt_is_left(site, settled, large_image, trial):
    site.start(GMM_MAX_ATTEMPTS=2)
    run = kill_child(site, large_image, between_files)
    site.gates.open("binary.png")
    site.gates.close("fit.npz")
    site.gates.wait_until_reached("fit.npz")
    kill(site.child())
    let_all_pass(site)
    settled("SIGKILL to the child in every attempt", [run], expected=(State.FAILED,))
    assert Job.objects.get(pk=run.pk).error_code == "worker_lost"


# --- The web process ----------------------------------------------------------------------------------------------------

COMMIT_AND_DIE = """
import os, signal, sys, django
django.setup()
from django.db import transaction
from segmentation import services
from segmentation.engine.recipe import Recipe
from segmentation.models import Image
with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    services.create_run(image=Image.objects.get(pk=sys.argv[1]), recipe=Recipe(n_clusters=3))
"""


def commit_and_die(site, image):
    """A process dies after it has committed a run, before it enqueues a wake-up; returns the run."""
    before = set(Run.objects.values_list("pk", flat=True))
    environment = {"DJANGO_SETTINGS_MODULE": "gmmsite.settings", "DATABASE_URL": database_url()}
    done = subprocess.run(
        [sys.executable, "-c", COMMIT_AND_DIE, str(image.pk)],
        cwd=ROOT,
        env=os.environ | environment | {VARIABLE: str(site.gates.folder)},
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    return Run.objects.exclude(pk__in=before).get()


@tried
def test_the_web_process_is_killed_between_commit_and_wake_up(site, settled, image, trial):
    site.start()
    run = commit_and_die(site, image)
    settled("SIGKILL to the web process between commit and wake-up", [run])


@tried
def test_all_wake_ups_are_lost(site, settled, image, trial):
    """No wake-up of these runs was received."""
    runs = [commit_and_die(site, image) for _ in range(5)]
    site.start()
    settled("all messages lost", runs)


# --- At random ----------------------------------------------------------------------------------------------------------

WAITING = 5


@always_tried
def test_processes_are_killed_at_random(site, settled, owner, settings, trial):
    kill_at_random(site, settled, owner, settings, trial, kills=5, number=30)


@pytest.mark.soak
def test_a_hundred_processes_are_killed_at_random(site, settled, owner, settings):
    kill_at_random(site, settled, owner, settings, "soak", kills=100, number=500)


def kill_at_random(site, settled, owner, settings, seed, *, kills, number):
    """A few runs wait all the time: were all there from the beginning, they would be done between two kills."""
    settings.GMM_QUOTA_ACTIVE_RUNS = number
    choose = random.Random(seed)  # noqa: S311 - which cases to try
    for _ in range(2):
        site.start(GMM_MAX_ATTEMPTS=100)
    picture = factories.make_image(owner, factories.encoded(factories.pixels(400, 300)))
    runs = []

    def fill_up():
        site.supervise()
        while Job.objects.active().count() < WAITING:
            runs.append(factories.make_run(picture, n_clusters=choose.randint(2, 8)))

    for _ in range(kills):
        children = eventually(lambda: fill_up() or site.children())
        victims = children if choose.random() < 0.5 else [worker.pid for worker in site.workers]
        send(signal.SIGKILL, choose.choice(victims))
    while len(runs) < number:
        runs.append(factories.make_run(picture, n_clusters=choose.randint(2, 8)))
    settled(f"{kills} kills at random over {number} runs or more", runs)
    assert Image.objects.count() == 1
