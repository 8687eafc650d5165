"""Pictures in an S3 bucket that behaves like a disk: it answers soon, or raises an OSError."""

import contextlib
from collections.abc import Iterator
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

_CONNECT_SECONDS, _READ_SECONDS = 5, 15  # the library's own 60 and 60, five times over, outlast every request
_TRIES = 2  # whoever can wait longer tries again


class ObjectStorage(S3Storage):  # type: ignore[misc] # django-storages publishes no types
    """Whoever uses it need not know which library talks to the store. Starts no threads: workers' children fork."""

    def get_default_settings(self) -> dict[str, Any]:
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {
            "client_config": Config(
                signature_version="s3v4",
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": _TRIES, "mode": "standard"},
                s3={"addressing_style": defaults["addressing_style"]},
                proxies=defaults["proxies"],
            ),
            "transfer_config": TransferConfig(use_threads=False),
        }

    def _open(self, name: str, mode: str = "rb") -> Any:
        with _as_os_error():
            file = super()._open(name, mode)
            if "r" in mode:
                file.open()  # fetches it now, where errors are understood
            return file

    def _save(self, name: str, content: Any) -> Any:
        with _as_os_error():
            return super()._save(name, content)

    def delete(self, name: str) -> None:
        with _as_os_error():
            super().delete(name)

    def exists(self, name: str) -> Any:
        with _as_os_error():
            return super().exists(name)

    def listdir(self, name: str) -> Any:
        with _as_os_error():
            return super().listdir(name)

    def size(self, name: str) -> Any:
        with _as_os_error():
            return super().size(name)

    def get_modified_time(self, name: str) -> Any:
        with _as_os_error():
            return super().get_modified_time(name)


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise OSError(f"The object store says: {error}") from error
