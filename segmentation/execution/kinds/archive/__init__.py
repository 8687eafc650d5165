"""The kind `archive` packs everything that is stored about a person into one ZIP file."""

import functools
import hashlib
import tempfile
import uuid
from dataclasses import dataclass
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.db.models import F, Max, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation import files, upkeep
from segmentation.engine.sandbox import Allowance, Report
from segmentation.execution.kinds.archive.rows import rows_of
from segmentation.execution.kinds.archive.writing import ArchiveWriter
from segmentation.execution.kinds.attempt_files import with_retries
from segmentation.execution.kinds.kind import Assignment, JobStage, KindOfWork, Product, is_long
from segmentation.models import Image, Job, JobOutput, Result
from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import JobKind

SCHEMA = 1  # of the request
FILE_NAME, CONTENT_TYPE = "archive.zip", "application/zip"

_MEMORY, _MEMORY_PER_PIXEL = 300_000_000, 16  # for the maps of one result at a time, and for counting their regions
_START_SECONDS, _SECONDS_PER_BYTE = 0.2, 2e-8
_SECONDS_PER_RESULT, _SECONDS_PER_PIXEL = 0.05, 6e-8  # its pictures are made again for the archive
_SHORTEST_DEADLINE, _TIMES_EXPECTED = 600.0, 20  # seconds, and factor of the expected time: the storage may be slow

_COLLECTING, _PACKING, _STORING = "collecting", "packing", "storing"
_PACKING_BEGINS, _STORING_BEGINS = 2, 85


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """The size of what an archive will contain."""

    bytes: int  # of originals and results
    results: int
    pixels: int  # of all results
    largest: int  # number of pixels of the largest picture


class ArchiveKind(KindOfWork):
    """Packs everything that is stored about a person into one ZIP file."""

    name = JobKind.ARCHIVE
    stages = (
        JobStage(name=_COLLECTING, title=gettext_lazy("Collect what there is"), begins=0),
        JobStage(name=_PACKING, title=gettext_lazy("Pack pictures and results"), begins=_PACKING_BEGINS),
        JobStage(name=_STORING, title=gettext_lazy("Store the file"), begins=_STORING_BEGINS),
    )

    def is_known(self, job: Job) -> bool:
        """Return whether the request has a schema that this release knows."""
        request = JobOutput.objects.filter(pk=job.pk).values_list("request", flat=True).first() or {}
        return int(request.get("schema", 0)) <= SCHEMA

    def expected_seconds(self, job: Job) -> float:
        return expected_archive_seconds(job.owner_id)

    def assign(self, job: Job, *, speed: float = 1.0) -> Assignment | None:
        if job.lease is None or not JobOutput.objects.filter(pk=job.pk).exists():
            return None
        size = _size(job.owner_id)
        expected = _seconds(size)
        seconds = max(_SHORTEST_DEADLINE, _TIMES_EXPECTED * expected / speed)
        memory = _MEMORY + _MEMORY_PER_PIXEL * size.largest
        key = f"{files.output_prefix(job.pk)}/{job.lease}/{FILE_NAME}"
        return Assignment(
            kind=self,
            job_id=job.pk,
            lease=job.lease,
            attempt=job.attempt,
            call=functools.partial(_perform, key, size.bytes),
            allowance=Allowance(
                memory=min(memory, settings.GMM_RUN_MEMORY), seconds=min(seconds, settings.GMM_RUN_SECONDS)
            ),
            expected_seconds=expected,
            is_long=is_long(expected, speed=speed),
            rows=functools.partial(rows_of, job.owner_id),
        )

    def record(self, assignment: Assignment, product: Product) -> None:
        """Store the key of the file, and when it expires."""
        stored = product.files[FILE_NAME]
        expires = seconds_from_now(upkeep.OUTPUTS.total_seconds())
        JobOutput.objects.filter(pk=assignment.job_id).update(**stored, expires=expires)

    def has_recorded(self, assignment: Assignment) -> bool:
        return JobOutput.objects.filter(pk=assignment.job_id, key__startswith=f"{assignment.prefix}/").exists()

    def prefix(self, job_id: uuid.UUID) -> str:
        return files.output_prefix(job_id)

    def label(self, job: Job) -> str:
        return _("All data of %(name)s") % {"name": job.owner.get_username()}


def expected_archive_seconds(owner_id: int) -> float:
    """Return the expected cost of a person's archive, in seconds of one core at speed 1."""
    return _seconds(_size(owner_id))


def _seconds(size: _Size) -> float:
    per_result = _SECONDS_PER_RESULT * size.results + _SECONDS_PER_PIXEL * size.pixels
    return _START_SECONDS + _SECONDS_PER_BYTE * size.bytes + per_result


def _size(owner_id: int) -> _Size:
    pixels = F("width") * F("height")
    images = Image.objects.filter(owner=owner_id).aggregate(
        bytes=Sum("bytes", default=0), largest=Max(pixels, default=0)
    )
    results = Result.objects.filter(run__job__owner=owner_id)
    shown = results.aggregate(
        bytes=Sum("bytes", default=0), pixels=Sum(F("run__image__width") * F("run__image__height"), default=0)
    )
    return _Size(
        bytes=images["bytes"] + shown["bytes"],
        results=results.count(),
        pixels=shown["pixels"],
        largest=images["largest"],
    )


def _perform(key: str, total: int, report: Report, rows: IO[bytes] | None) -> Product:
    """Write the archive to a temporary file, then store it. It runs in the child process.

    Raises
    ------
    StorageUnavailable
        When the storage did not answer for some seconds, or has no room.
    """
    progress = _Progress(report, total)
    with _temporary_file() as target:
        try:
            ArchiveWriter(target, progress.count).write(rows or ())
            size = target.tell()
            target.seek(0)
            sha256 = hashlib.file_digest(target, "sha256").hexdigest()  # type: ignore[arg-type] # any binary file
        except OSError as error:
            raise files.storage_error(error) from error
        progress.store()
        with_retries(lambda: files.put(key, File(target, name=FILE_NAME)))
    stored = {"key": key, "bytes": size, "sha256": sha256, "content_type": CONTENT_TYPE}
    return Product(files={FILE_NAME: stored}, summary={})


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=files.incoming_folder())
    except OSError as error:
        raise files.storage_error(error) from error


class _Progress:
    """Reports the progress to the parent process, each percent once."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._total = max(total, 1)
        self._packed = 0
        self._last = 0
        report((_PACKING, _PACKING_BEGINS))

    def count(self, size: int) -> None:
        self._packed += size
        share = min(1.0, self._packed / self._total)
        percent = round(_PACKING_BEGINS + (_STORING_BEGINS - _PACKING_BEGINS) * share)
        if percent > self._last:
            self._last = percent
            self._report((_PACKING, percent))

    def store(self) -> None:
        self._report((_STORING, _STORING_BEGINS))
