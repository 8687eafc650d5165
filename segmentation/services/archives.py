"""The archive of a person's own data. It is made in the background and kept for some days; a person has one at most."""

from dataclasses import dataclass
from datetime import datetime
from typing import IO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation import execution, files, tasks
from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import Conflict
from segmentation.execution.kinds import kind_of
from segmentation.execution.kinds.archive import SCHEMA
from segmentation.models import Job, JobOutput, User, Worker
from segmentation.models.jobs import JobKind, State
from segmentation.models.outputs import JobOutputQuerySet
from segmentation.services.quotas import lock
from segmentation.services.status import forecast_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStatus:
    """The present state of a person's archive."""

    state: str
    percent: int
    message: str  # one sentence for people
    bytes: int | None  # of the file; None until it is there
    made: datetime | None
    expires: datetime | None

    @property
    def is_active(self) -> bool:
        return self.state in {State.QUEUED, State.RUNNING}

    @property
    def is_ready(self) -> bool:
        return self.state == State.SUCCEEDED


def archive_status(*, owner: User) -> ArchiveStatus | None:
    """Return the state of a person's archive; None when there is none."""
    output = _archives(owner).select_related("job").first()
    if output is None or _has_expired(output):
        return None
    job = output.job
    return ArchiveStatus(
        state=job.state,
        percent=job.percent,
        message=_message(job),
        bytes=output.bytes,
        made=job.finished,
        expires=output.expires,
    )


@transaction.atomic
def create_archive(*, owner: User) -> None:
    """Queue the archive of everything that is stored of `owner`; an older archive is deleted.

    Raises
    ------
    Conflict
        With `state_conflict`, while one is being made.
    """
    lock(owner)
    for older in _archives(owner).select_related("job"):
        if older.job.is_active:
            raise Conflict("state_conflict", gettext_noop("Your data is being packed already. Wait until it is ready."))
        older.delete()
    expected = execution.expected_archive_seconds(owner.pk)
    job = Job.objects.create(owner=owner, kind=JobKind.ARCHIVE, expected_seconds=expected)
    JobOutput.objects.create(job=job, request={"schema": SCHEMA})
    tasks.wake_workers_on_commit()


def cancel_archive(*, owner: User) -> None:
    """Cancel a person's archive while it waits or is being made; its worker stops at the next heartbeat.

    Raises
    ------
    Conflict
        With `state_conflict`, when there is none.
    """
    output = _archives(owner).first()
    if output is None or not Job.objects.cancel(output.job_id):
        raise Conflict("state_conflict", gettext_noop("Nothing is being packed; there is nothing to cancel."))


def ready_archive(*, owner: User) -> JobOutput | None:
    """Return the archive of a person that can be downloaded now; None when there is none."""
    output = _archives(owner).exclude(key="").select_related("job").first()
    return None if output is None or _has_expired(output) else output


def open_archive(*, archive: JobOutput) -> IO[bytes]:
    """Open the file of an archive for reading.

    Raises
    ------
    StorageUnavailable
        When it cannot be read.
    """
    return files.open_file(archive.key)


def _archives(owner: User) -> JobOutputQuerySet:
    return JobOutput.objects.owned_by(owner).filter(job__kind=JobKind.ARCHIVE).order_by("-job__created")


def _has_expired(output: JobOutput) -> bool:
    return output.expires is not None and output.expires <= timezone.now()


def _message(job: Job) -> str:
    if job.state == State.FAILED:
        return _(job.error_detail)
    if job.state == State.RUNNING:
        return kind_of(job).stage_title(job.stage or kind_of(job).stages[0].name)
    if job.state != State.QUEUED:
        return str(State(job.state).label)
    if not Worker.objects.alive().exists():
        return _("No worker is running. The request is kept, and starts as soon as one does.")
    expected = forecast_of(job)
    position = expected.position if expected else 0
    if position:
        return ngettext("%(n)s request before yours.", "%(n)s requests before yours.", position) % {"n": position}
    return _("Yours is next.")
