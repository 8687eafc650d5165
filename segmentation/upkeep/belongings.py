"""What the rows say about the files below `images/<uuid>/`, `runs/<uuid>/` and so on: which must be there, and which may be."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from segmentation import files
from segmentation.models import CachedFile, Image, JobOutput, Run
from segmentation.upkeep.sizes import measure_image

CHUNK = 500  # rows read at a time
_SHA256 = re.compile("[0-9a-f]{64}")
_OF_IMAGE = ("pk", "bytes", "sha256", "stored_bytes")
_OF_OUTPUT = ("pk", "job__lease", "key", "bytes", "sha256")
_OF_RUN = ("pk", "job__lease", "result__files", "inputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known of a file that must be there."""

    bytes: int | None = None  # None: not recorded
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """The files of one row."""

    id: uuid.UUID
    masters: Mapping[str, Expected]  # by key
    keeps: Callable[[str], bool] = field(repr=False)  # whether a file of this key may stay
    stored_bytes: int | None = None  # as the row says, of a row whose files change


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWithFiles:
    """A table whose rows have files, each row in a folder of its own below `prefix`."""

    prefix: str
    rows: Callable[[], "QuerySet[Any, Any]"]
    belongings: Callable[[Any], Belongings]
    measure: Callable[[uuid.UUID], None] | None = (
        None  # brings to the row what the storage says of the bytes of its files
    )
    is_cache: bool = False  # a row whose file is gone means nothing

    def each(self) -> Iterator[Belongings]:
        """Read all rows in the order of their keys, a chunk at a time: no cursor stays open for as long as this takes."""
        rows, last = self.rows().order_by("pk"), None
        while chunk := list((rows if last is None else rows.filter(pk__gt=last))[:CHUNK]):
            yield from map(self.belongings, chunk)
            last = chunk[-1][0]

    def get(self, key: uuid.UUID) -> Belongings | None:
        """Read one row as it is now; None when it is gone."""
        row = self.rows().filter(pk=key).first()
        return None if row is None else self.belongings(row)


def _of_image(row: tuple[uuid.UUID, int, str, int | None]) -> Belongings:
    key, size, sha256, stored_bytes = row
    original, renditions = files.image_key(key, "original"), ("display", "thumbnail")
    masters = {original: Expected(bytes=size, sha256=sha256)}
    masters |= {files.image_key(key, name): Expected() for name in renditions}
    return Belongings(id=key, masters=masters, keeps=masters.__contains__, stored_bytes=stored_bytes)


def _of_run(row: tuple[uuid.UUID, uuid.UUID | None, Any, Any]) -> Belongings:
    key, held, stored, inputs = row
    masters = {one["key"]: Expected(bytes=one["bytes"], sha256=one["sha256"]) for one in (stored or {}).values()}
    masters |= _of_inputs(key, inputs)

    def keeps(file: str) -> bool:
        return file in masters or (held is not None and file.startswith(f"{files.run_prefix(key, held)}/"))

    return Belongings(id=key, masters=masters, keeps=keeps)


def _of_output(row: tuple[uuid.UUID, uuid.UUID | None, str, int | None, str]) -> Belongings:
    job_id, held, name, size, sha256 = row
    masters = {name: Expected(bytes=size, sha256=sha256)} if name else {}

    def keeps(file: str) -> bool:
        return file in masters or (held is not None and file.startswith(f"{files.output_prefix(job_id)}/{held}/"))

    return Belongings(id=job_id, masters=masters, keeps=keeps)


def _of_cached_file(row: tuple[uuid.UUID, str]) -> Belongings:
    key, name = row
    return Belongings(id=key, masters={}, keeps=files.cache_key(key, name).__eq__)


def _of_inputs(run_id: uuid.UUID, inputs: Mapping[str, Any]) -> dict[str, Expected]:
    """Return the pictures that the inputs of a run name by their SHA-256."""
    prefix = f"{files.run_prefix(run_id)}/{files.INPUTS}"
    hashes = (value for value in inputs.values() if isinstance(value, str) and _SHA256.fullmatch(value))
    return {f"{prefix}/{sha256}.png": Expected(sha256=sha256) for sha256 in hashes}


IMAGES = TableWithFiles(
    prefix=files.IMAGES,
    rows=lambda: Image.objects.values_list(*_OF_IMAGE),
    belongings=_of_image,
    measure=measure_image,
)
RUNS = TableWithFiles(prefix=files.RUNS, rows=lambda: Run.objects.values_list(*_OF_RUN), belongings=_of_run)
OUTPUTS = TableWithFiles(
    prefix=files.OUTPUTS, rows=lambda: JobOutput.objects.values_list(*_OF_OUTPUT), belongings=_of_output
)
CACHE = TableWithFiles(
    prefix=files.CACHE,
    rows=lambda: CachedFile.objects.values_list("pk", "name"),
    belongings=_of_cached_file,
    is_cache=True,
)
TABLES = (IMAGES, RUNS, OUTPUTS, CACHE)
