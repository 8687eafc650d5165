"""A site of real workers that are killed, paused and starved, and the account of what became of its jobs.

Nothing here knows which engine the environment configures: workers are processes with descendants, runs are rows, and files
are what the storage lists.
"""

import contextlib
import hashlib
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import connection

from segmentation import files
from segmentation.models import Job, JobOutput, Result, Revision
from segmentation.models.jobs import State
from tests.faults.gates import VARIABLE, Gates
from tests.processes import children_of, eventually, is_running

END_SECONDS = 90.0
TIDY_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
    "GMM_LEASE_SECONDS": 2,
    "GMM_STOP_SECONDS": 1,
    "GMM_MAX_ATTEMPTS": 3,
}


@dataclass(frozen=True, slots=True)
class Account:
    """What became of some runs."""

    runs: int
    lost: int  # ended otherwise than it should have, or without its files
    stuck: int  # not over in time
    doubled: int  # more than one result, or files of more than one
    orphans: int  # files that belong to nothing

    @property
    def is_clean(self):
        return not (self.lost or self.stuck or self.doubled or self.orphans)


class Site:
    """Workers on the test's database and storage; a supervisor that starts another for each that has ended."""

    def __init__(self, start_worker, folder):
        self._start_worker = start_worker
        self._workers = []  # (process, environment); None once it was replaced
        self.gates = Gates(folder)
        folder.mkdir()

    # --- workers ----------------------------------------------------------------------------------------------------

    def start(self, **environment):
        """Start a worker, ready."""
        environment = _SETTINGS | {VARIABLE: self.gates.folder} | environment
        worker = self._start_worker(**environment)
        self._workers.append((worker, environment))
        return worker

    def supervise(self):
        """Start another worker for each that has ended."""
        for ended in [each for each in self._workers if each[0].process.poll() is not None]:
            self._workers.remove(ended)
            self.start(**ended[1])

    @property
    def workers(self):
        return [worker for worker, _ in self._workers]

    def child(self, *, within=30.0):
        """Wait for a process that computes, and return its id."""
        return eventually(lambda: next(iter(self.children()), None), within=within, every=0.002)

    def children(self):
        """The processes that compute now: those that may not take all the memory there is."""
        return [pid for worker in self.workers for pid in descendants_of(worker.pid) if is_limited(pid)]

    # --- what became of runs ----------------------------------------------------------------------------------------

    def settle(self, runs, *, expected=(State.SUCCEEDED,)):
        """Wait until all runs are over, nobody computes and the files are in order, as long as that may take; return the account."""
        keys = [run.pk for run in runs]
        self._wait_until_over(keys)
        deadline = time.monotonic() + TIDY_SECONDS
        while (self.children() or stored() - named()) and time.monotonic() < deadline:
            self.supervise()
            time.sleep(_LOOK_SECONDS)
        orphans = stored() - named()
        jobs = list(Job.objects.filter(pk__in=keys))
        ended = [job for job in jobs if job.state not in {State.QUEUED, State.RUNNING}]
        missing = len(keys) - len(jobs)
        return Account(
            runs=len(keys),
            lost=missing + sum(job.state not in expected for job in ended) + _without_files(keys),
            stuck=len(jobs) - len(ended),
            doubled=_doubled(keys),
            orphans=len(orphans),
        )

    def _wait_until_over(self, keys):
        deadline = time.monotonic() + END_SECONDS
        while Job.objects.active().filter(pk__in=keys).exists() and time.monotonic() < deadline:
            self.supervise()
            time.sleep(_LOOK_SECONDS)


def stored():
    """The keys of all files that jobs have made."""
    return {*_walk("runs"), *_walk("outputs")}


def named():
    """The keys that results and outputs name."""
    of_runs = {entry["key"] for names in Result.objects.values_list("files", flat=True) for entry in names.values()}
    return of_runs | set(JobOutput.objects.exclude(key="").values_list("key", flat=True))


def _walk(prefix):
    try:
        folders, names = default_storage.listdir(prefix)
    except FileNotFoundError:
        return
    yield from (f"{prefix}/{name}" for name in names)
    for folder in folders:
        yield from _walk(f"{prefix}/{folder}")


def _without_files(keys):
    """How many results and outputs do not have all their bytes."""
    made = [list(names.values()) for names in Result.objects.filter(run__in=keys).values_list("files", flat=True)]
    made += [[output] for output in JobOutput.objects.filter(job__in=keys).exclude(key="").values("key", "sha256")]
    return sum(any(not _is_whole(entry) for entry in entries) for entries in made)


def _is_whole(entry):
    return files.exists(entry["key"]) and hashlib.sha256(files.read(entry["key"])).hexdigest() == entry["sha256"]


def _doubled(keys):
    """How many runs have more than one first revision, or a result without having succeeded."""
    revisions = Counter(Revision.objects.filter(run__in=keys).values_list("run", flat=True))
    odd = Result.objects.filter(run__in=keys).exclude(run__job__state=State.SUCCEEDED).count()
    odd += JobOutput.objects.filter(job__in=keys).exclude(key="").exclude(job__state=State.SUCCEEDED).count()
    return odd + sum(number > 1 for number in revisions.values())


# --- processes --------------------------------------------------------------------------------------------------------


def descendants_of(pid):
    """Its children, and theirs: those who wait for others come first."""
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def is_limited(pid):
    """Whether a process runs under a limit of memory, as all do that compute."""
    with contextlib.suppress(OSError):
        limit = re.search(r"^Max data size\s+(\S+)", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)
        return limit is not None and limit[1] != "unlimited"
    return False


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def send(number, *pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(*pids):
    """SIGKILL, and wait until they are gone."""
    send(signal.SIGKILL, *pids)
    eventually(lambda: not any(is_running(pid) for pid in pids))


def beat_after(run):
    """Wait for the next heartbeat of the run's worker, and return the row."""
    until = Job.objects.get(pk=run.pk).lease_until
    return eventually(lambda: Job.objects.filter(pk=run.pk, lease_until__gt=until).first())


def fresh():
    """Forget the connection to the database: the next query makes another."""
    connection.close()
