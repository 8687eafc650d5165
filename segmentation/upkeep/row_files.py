"""The files that belong to rows: for each row, the files that must exist, and the files that may exist.

Files of a row have keys below `images/<uuid>/`, `runs/<uuid>/` and so on.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from segmentation import files
from segmentation.models import CachedFile, Image, JobOutput, Run
from segmentation.upkeep.stored_sizes import record_image_size

CHUNK = 500  # rows read at a time
_SHA256 = re.compile("[0-9a-f]{64}")
_OF_IMAGE = ("pk", "bytes", "sha256", "stored_bytes", "renditions")
_OF_OUTPUT = ("pk", "job__lease", "key", "bytes", "sha256")
_OF_RUN = ("pk", "job__lease", "result__files", "inputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFile:
    """Size and hash of a file that must exist."""

    bytes: int | None = None  # None: not recorded
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFiles:
    """The files of one row."""

    id: uuid.UUID
    masters: Mapping[str, ExpectedFile]  # by key
    keeps: Callable[[str], bool] = field(repr=False)  # whether a file with this key belongs to the row
    stored_bytes: int | None = None  # the size that the row has for all its files; None if it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWithFiles:
    """A table whose rows have files. The files of a row are in a folder below `prefix`, named by the row's key."""

    prefix: str
    rows: Callable[[], "QuerySet[Any, Any]"]
    row_files: Callable[[Any], RowFiles]
    record_size: Callable[[uuid.UUID], None] | None = None  # stores the size of all files of a row in the row
    is_cache: bool = False  # then a row without its file is deleted

    def each(self) -> Iterator[RowFiles]:
        """Yield the files of all rows in the order of their keys. Rows are read in batches, so that no cursor stays open."""
        rows, last = self.rows().order_by("pk"), None
        while chunk := list((rows if last is None else rows.filter(pk__gt=last))[:CHUNK]):
            yield from map(self.row_files, chunk)
            last = chunk[-1][0]

    def get(self, key: uuid.UUID) -> RowFiles | None:
        """Return the files of one row as it is now; None if it was deleted."""
        row = self.rows().filter(pk=key).first()
        return None if row is None else self.row_files(row)


def _of_image(row: tuple[uuid.UUID, int, str, int | None, int | None]) -> RowFiles:
    key, size, sha256, stored_bytes, number = row
    original = files.image_key(key, "original")
    masters = {original: ExpectedFile(bytes=size, sha256=sha256)}
    masters |= {files.rendition_key(key, name, number): ExpectedFile() for name in ("display", "thumbnail")}
    return RowFiles(id=key, masters=masters, keeps=masters.__contains__, stored_bytes=stored_bytes)


def _of_run(row: tuple[uuid.UUID, uuid.UUID | None, Any, Any]) -> RowFiles:
    key, lease, stored, inputs = row
    masters = {
        file["key"]: ExpectedFile(bytes=file["bytes"], sha256=file["sha256"]) for file in (stored or {}).values()
    }
    masters |= _of_inputs(key, inputs)

    def keeps(key_of_file: str) -> bool:
        return key_of_file in masters or (
            lease is not None and key_of_file.startswith(f"{files.run_prefix(key, lease)}/")
        )

    return RowFiles(id=key, masters=masters, keeps=keeps)


def _of_output(row: tuple[uuid.UUID, uuid.UUID | None, str, int | None, str]) -> RowFiles:
    job_id, lease, name, size, sha256 = row
    masters = {name: ExpectedFile(bytes=size, sha256=sha256)} if name else {}

    def keeps(key_of_file: str) -> bool:
        return key_of_file in masters or (
            lease is not None and key_of_file.startswith(f"{files.output_prefix(job_id)}/{lease}/")
        )

    return RowFiles(id=job_id, masters=masters, keeps=keeps)


def _of_cached_file(row: tuple[uuid.UUID, str]) -> RowFiles:
    key, name = row
    return RowFiles(id=key, masters={}, keeps=files.cache_key(key, name).__eq__)


def _of_inputs(run_id: uuid.UUID, inputs: Mapping[str, Any]) -> dict[str, ExpectedFile]:
    """Return the files that the inputs of a run name by their SHA-256."""
    prefix = f"{files.run_prefix(run_id)}/{files.INPUTS}"
    hashes = (value for value in inputs.values() if isinstance(value, str) and _SHA256.fullmatch(value))
    return {f"{prefix}/{sha256}.png": ExpectedFile(sha256=sha256) for sha256 in hashes}


IMAGES = TableWithFiles(
    prefix=files.IMAGES,
    rows=lambda: Image.objects.values_list(*_OF_IMAGE),
    row_files=_of_image,
    record_size=record_image_size,
)
RUNS = TableWithFiles(prefix=files.RUNS, rows=lambda: Run.objects.values_list(*_OF_RUN), row_files=_of_run)
OUTPUTS = TableWithFiles(
    prefix=files.OUTPUTS, rows=lambda: JobOutput.objects.values_list(*_OF_OUTPUT), row_files=_of_output
)
CACHE = TableWithFiles(
    prefix=files.CACHE,
    rows=lambda: CachedFile.objects.values_list("pk", "name"),
    row_files=_of_cached_file,
    is_cache=True,
)
TABLES = (IMAGES, RUNS, OUTPUTS, CACHE)
