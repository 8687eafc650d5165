"""Rows as lines of JSON: Django's serialisers, with two changes that a copy of a whole database asks for."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from django.core.serializers import jsonl
from django.core.serializers.base import DeserializedObject
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model

from segmentation.backup.layout import BY_NAME, Hashing, kept_rows

_CHUNK = 500  # rows held in memory


class _Encoder(DjangoJSONEncoder):
    """Keeps microseconds, by which rows are ordered; Django's own cuts them to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class _Serializer(jsonl.Serializer):
    """Names content types and permissions, and nothing else: all other keys are the same in every database."""

    def handle_fk_field(self, obj: Any, field: Any) -> None:
        self.use_natural_foreign_keys = field.related_model in BY_NAME
        super().handle_fk_field(obj, field)

    def handle_m2m_field(self, obj: Any, field: Any) -> None:
        self.use_natural_foreign_keys = field.related_model in BY_NAME
        super().handle_m2m_field(obj, field)


@contextmanager
def snapshot() -> Iterator[None]:
    """See the whole database as it is now, whatever others write meanwhile; nobody waits for us."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django's own transactions here are IMMEDIATE, and would stop all writers
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def dump(model: type[Model], target: Hashing) -> int:
    """Write all rows of a table, compressed; returns how many."""
    count = 0

    def counted() -> Iterator[Model]:
        nonlocal count
        for row in kept_rows(model).order_by("pk").iterator(chunk_size=_CHUNK):
            count += 1
            yield row

    with (
        gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8") as text,
    ):
        _Serializer().serialize(counted(), stream=text, cls=_Encoder)
    return count


def load(source: IO[bytes]) -> Iterator[DeserializedObject]:
    """Read the rows that `dump` has written, one after the other."""
    with gzip.GzipFile(fileobj=source, mode="rb") as packed, io.TextIOWrapper(packed, encoding="utf-8") as text:
        yield from jsonl.Deserializer(text)
