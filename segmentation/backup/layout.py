"""The form of a backup: a tar file that other programs can read, too.

In this order, so that one pass checks it and one pass restores it:

`files/<key>`
    the files of all rows;
`files.sha256`
    a line for each of them, as `sha256sum --check` reads it;
`rows/<app>.<model>.jsonl.gz`
    the rows of a table, one JSON object a line, in Django's form for fixtures;
`manifest.json`
    what made it, which migrations it needs, and counts and checksums of all the above. A backup without it is torn.
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
"""Tables that migrations fill; other rows refer to them by name, since their numbers differ between databases."""

_OF_A_MOMENT = (Session, Worker, PeriodicTask, CachedFile, JobOutput)  # mean nothing elsewhere, or can be made again


class BackupError(Exception):
    """A backup cannot be written, or this one cannot be restored here; says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One member of the backup, or all the files in it."""

    count: int  # rows or files
    bytes: int
    sha256: str  # of the member as stored; of the index, for the files


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says about itself."""

    release: str
    created: str  # ISO 8601, UTC
    migrations: dict[str, list[str]]
    files: Part
    rows: dict[str, Part]  # by the name of the model
    deleted: dict[str, list[str]] = field(default_factory=dict)  # model -> rows whose files went while it was written
    format: int = FORMAT

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=2).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse a manifest.

        Raises
        ------
        BackupError
            When it is none of ours, or of a newer form.
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
    """Reads from or writes to `file`, and counts and hashes what passes."""

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
    """The tables that a backup holds."""
    return (model for model in apps.get_models() if model not in (*BY_NAME, *_OF_A_MOMENT))


def kept_rows(model: type[Model]) -> QuerySet[Any]:
    """Return the rows of a table that a backup holds: jobs whose only purpose is an output are left out with it."""
    everything = model._base_manager.all()  # noqa: SLF001 - hides no rows
    return everything.filter(output=None) if model is Job else everything


def migrations() -> dict[str, list[str]]:
    """The migrations of this database, by application."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        if app in apps.app_configs:  # others were installed here once
            found.setdefault(app, []).append(name)
    return found


def label(model: type[Model]) -> str:
    return str(_options(model).label_lower)


def names() -> set[str]:
    """The tables in the database that stand for another site's rows when a backup is restored over them."""
    options = [*map(_options, (Session, CachedFile, JobOutput)), *map(_options, tables())]
    links = {field.m2m_db_table() for one in options for field in one.local_many_to_many}
    return links | {one.db_table for one in options}


def _options(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001 - Django documents it
