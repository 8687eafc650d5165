"""Django upload handler that streams uploads to the disk of the pictures, where the sandbox reads them."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NoReturn

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from segmentation import files
from segmentation.exceptions import StorageUnavailable

REFUSED_BODY = "segmentation.refused_body"
"""Key in the WSGI environment with the reason for which the web server has rejected the body of a request.

The value is `too_large`, `busy` or `storage_unavailable`.
"""


class IncomingFile(TemporaryUploadedFile):
    """An uploaded file in a named temporary file, which is deleted when it is closed."""

    def __init__(self, name: str, content_type: str | None, charset: str | None, extra: Any) -> None:
        suffix = f".upload{PurePath(name).suffix[:16]}"  # names that people give may be too long for a file system
        file = tempfile.NamedTemporaryFile(suffix=suffix, dir=files.incoming_folder())  # noqa: SIM115 - closed with this object
        UploadedFile.__init__(self, file, name, content_type, 0, charset, extra)


class FailedUpload(UploadedFile):  # type: ignore[type-arg] # generic in its stubs only
    """An uploaded file that could not be stored. Reading it raises the reason."""

    def __init__(self, failure: StorageUnavailable, *, name: str, size: int) -> None:
        super().__init__(None, name, size=size)
        self._failure = failure

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:  # noqa: ARG002 - Django's signature
        """Raise the reason of the failure."""
        self._raise()

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002 - Django's signature
        """Raise the reason of the failure."""
        self._raise()

    def _raise(self) -> NoReturn:
        raise self._failure


class IncomingUploadHandler(FileUploadHandler):
    """Upload handler that keeps no file in memory. A failed write does not fail the request; the view reports it."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._file: IncomingFile | None = None
        self._failure: StorageUnavailable | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open a temporary file for the next file of the request."""
        super().new_file(*args, **kwargs)
        self._failure = None
        with self._catch_failure():
            self._file = IncomingFile(self.file_name or "", self.content_type, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        """Write a chunk; after a failure, the rest is read and discarded."""
        if self._file is not None:
            with self._catch_failure():
                self._file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        """Return the uploaded file, or a `FailedUpload`."""
        with self._catch_failure():
            if self._file is not None:
                self._file.seek(0)  # also flushes the buffer
                self._file.size = file_size
        if self._file is not None:
            file, self._file = self._file, None
            return file
        return FailedUpload(self._failure or StorageUnavailable(), name=self.file_name or "", size=file_size)

    def upload_interrupted(self) -> None:
        """Discard the file of a client that has disconnected."""
        self._discard()

    @contextlib.contextmanager
    def _catch_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failure = files.storage_error(error)
            self._discard()

    def _discard(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # flushing its buffer may fail; the file is deleted anyway
                self._file.close()
            self._file = None
