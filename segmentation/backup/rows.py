"""Write and read rows as lines of JSON, with Django's serialisers and two changes for copies of a whole database."""

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
    """Encoder that keeps microseconds, by which rows are ordered; Django's encoder truncates them to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class _Serializer(jsonl.Serializer):
    """Serialiser that uses natural keys for content types and permissions only; other keys are equal in every database."""

    def handle_fk_field(self, obj: Any, field: Any) -> None:
        self.use_natural_foreign_keys = field.related_model in BY_NAME
        super().handle_fk_field(obj, field)

    def handle_m2m_field(self, obj: Any, field: Any) -> None:
        self.use_natural_foreign_keys = field.related_model in BY_NAME
        super().handle_m2m_field(obj, field)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read a consistent snapshot of the database inside the block, without blocking writers."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django's transactions are IMMEDIATE here, and would block all writers
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
    """Write all rows of a model, compressed; returns their number."""
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
    """Yield the rows that `dump` has written."""
    with gzip.GzipFile(fileobj=source, mode="rb") as packed, io.TextIOWrapper(packed, encoding="utf-8") as text:
        yield from jsonl.Deserializer(text)
