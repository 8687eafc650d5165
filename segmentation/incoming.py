"""How a file comes in: streamed to the disk of the pictures, where the sandbox reads it. A full disk becomes a refusal."""

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
"""In the environment of a request whose body the web server has not kept: `too_large`, `busy` or `storage_unavailable`."""


class IncomingFile(TemporaryUploadedFile):
    """A file that has a name in the folder of what comes in, until it is closed."""

    def __init__(self, name: str, content_type: str | None, charset: str | None, extra: Any) -> None:
        suffix = f".upload{PurePath(name).suffix[:16]}"  # people's names may be longer than those of files
        file = tempfile.NamedTemporaryFile(suffix=suffix, dir=files.incoming_folder())  # noqa: SIM115 - closed with us
        UploadedFile.__init__(self, file, name, content_type, 0, charset, extra)


class LostFile(UploadedFile):  # type: ignore[type-arg] # generic in its stubs only
    """A file that could not be kept while it came in; says so to whoever wants to read it."""

    def __init__(self, failure: StorageUnavailable, *, name: str, size: int) -> None:
        super().__init__(None, name, size=size)
        self._failure = failure

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:  # noqa: ARG002 - Django's signature
        """Raise what happened."""
        self._refuse()

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002 - Django's signature
        """Raise what happened."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise self._failure


class IncomingUploadHandler(FileUploadHandler):
    """Keeps no picture in memory, and does not fail the request: its view says what was wrong with the file."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._file: IncomingFile | None = None
        self._failure: StorageUnavailable | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Make room for the next file of the request."""
        super().new_file(*args, **kwargs)
        self._failure = None
        with self._refusing():
            self._file = IncomingFile(self.file_name or "", self.content_type, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        """Keep a piece; after a failure the rest is read and forgotten."""
        if self._file is not None:
            with self._refusing():
                self._file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        """Return the whole file, or what stands for the one that was lost."""
        with self._refusing():
            if self._file is not None:
                self._file.seek(0)  # writes what is in the buffer
                self._file.size = file_size
        if self._file is not None:
            file, self._file = self._file, None
            return file
        return LostFile(self._failure or StorageUnavailable(), name=self.file_name or "", size=file_size)

    def upload_interrupted(self) -> None:
        """Forget a file whose sender went away."""
        self._drop()

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failure = files.refusal(error)
            self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is in its buffer does not fit either; it is unlinked all the same
                self._file.close()
            self._file = None
