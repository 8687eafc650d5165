"""The format of a backup, a tar file that one pass can check and a second pass can restore.

Its members, in this order:

`files/<key>`
    the stored files that rows name;
`files.sha256`
    their checksums, in the format of `sha256sum --check`;
`rows/<app>.<model>.jsonl.gz`
    the rows of a table, one JSON object a line, in Django's form for fixtures;
`manifest.json`
    the release that made it, the migrations it needs, and counts and checksums of all of the above. A backup without it is
    incomplete.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Self

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model, QuerySet

from segmentation.models import CachedFile, Job, JobOutput, PeriodicTask, Worker

FORMAT = 1
MANIFEST, INDEX, FILES, ROWS = "manifest.json", "files.sha256", "files/", "rows/"
CHUNK = 1 << 20

BY_NAME: tuple[type[Model], ...] = (ContentType, Permission)
"""Tables that Django fills. Rows refer to them by natural key, because their ids differ between databases."""

_LEFT_OUT = (Session, Worker, PeriodicTask, CachedFile, JobOutput)  # valid in one place only, or can be made again


class BackupError(Exception):
    """Raised when a backup cannot be restored here; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Count, size and checksum of one member of the backup, or of all stored files in it."""

    count: int  # rows or files
    bytes: int
    sha256: str  # of the member; for the stored files, of their list of checksums


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of a backup."""

    release: str
    created: str  # ISO 8601, UTC
    migrations: dict[str, list[str]]
    files: Part
    rows: dict[str, Part]  # by the name of the model
    # Model -> keys of rows that were deleted while the backup was written
    deleted: dict[str, list[str]] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=2).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse a manifest.

        Raises
        ------
        BackupError
            When it is not a manifest, or has another format number.
        """
        try:
            mapping = json.loads(data)
            number = mapping["format"]
            if number == FORMAT:
                rows = {name: Part(**part) for name, part in mapping.pop("rows").items()}
                return cls(files=Part(**mapping.pop("files")), rows=rows, **mapping)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupError("This is no backup of GMM Studio, or its manifest is damaged.") from error
        raise BackupError(
            f"This backup has form {number}; this release reads form {FORMAT}. Use the release that made it."
        )


class Hashing:
    """A wrapper of a binary file that counts and hashes the bytes that are read or written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.bytes = 0
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = CHUNK) -> bytes:
        data = self._file.read(size)
        self._count(data)
        return data

    def write(self, data: bytes) -> int:
        self._count(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def _count(self, data: bytes) -> None:
        self.bytes += len(data)
        self._hash.update(data)


def index_line(sha256: str, key: str) -> bytes:
    return f"{sha256}  {FILES}{key}\n".encode()


def tables() -> Iterator[type[Model]]:
    """Yield the models whose rows a backup holds."""
    return (model for model in apps.get_models() if model not in (*BY_NAME, *_LEFT_OUT))


def kept_rows(model: type[Model]) -> QuerySet[Any]:
    """Return the rows of a model that a backup holds. Jobs with an output are left out, because their outputs are."""
    everything = model._base_manager.all()  # noqa: SLF001 - hides no rows
    return everything.filter(output=None) if model is Job else everything


def migrations() -> dict[str, list[str]]:
    """Return the names of the migrations that were applied to this database, by application."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        if app in apps.app_configs:  # other applications are no longer installed
            found.setdefault(app, []).append(name)
    return found


def label(model: type[Model]) -> str:
    return str(_options(model).label_lower)


def table_names() -> set[str]:
    """Return the names of the database tables that are emptied before a backup replaces their rows."""
    options = [*map(_options, (Session, CachedFile, JobOutput)), *map(_options, tables())]
    links = {field.m2m_db_table() for one in options for field in one.local_many_to_many}
    return links | {one.db_table for one in options}


def _options(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001 - Django documents it
