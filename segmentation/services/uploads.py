"""Taking a picture in: inspected in a limited child first, then files, then the row."""

import contextlib
import hashlib
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.files.base import File
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction

from segmentation import files
from segmentation.engine import decoder, sandbox
from segmentation.engine.exceptions import ChildFailed, Refusal, SegmentationError, gettext_noop
from segmentation.engine.imaging import FileDescription, Inspection, Limits
from segmentation.models import Image, User
from segmentation.samples import SAMPLES
from segmentation.services.processing_slots import processing_slot
from segmentation.services.quotas import require_room_for_image
from segmentation.services.rate_limits import count_upload

T = TypeVar("T")

DECODE_SECONDS = 30.0
_DECODE_MEMORY = 2_000_000_000  # bytes; the largest pictures need half of it
NO_HEIC = gettext_noop(
    "This site no longer reads HEIC, so this picture cannot be segmented again. What was made of it remains; upload it as JPEG or PNG to go on."
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def limits() -> Limits:
    """Return what this site admits."""
    return Limits(
        bytes=settings.GMM_MAX_UPLOAD_BYTES,
        pixels=settings.GMM_MAX_PIXELS,
        decoded_bytes=settings.GMM_MAX_DECODED_BYTES,
        heic=settings.GMM_HEIC,
    )


def require_readable(image: Image) -> None:
    """Require that the original of `image` can be decoded.

    Raises
    ------
    Refusal
        With `unsupported_format`, for a HEIC that was uploaded before this site was set not to read it.
    """
    if not image.is_readable:
        raise Refusal("unsupported_format", NO_HEIC)


def upload_image(*, owner: User, file: File[bytes], name: str) -> Image:
    """Store a picture with its renditions, or nothing.

    Raises
    ------
    Refusal
        When it is no picture that this site takes.
    Busy, QuotaExceeded, RateLimited, StorageUnavailable
        When there is no place or no room for it now.
    """
    name = _display_name(name)
    with processing_slot(owner), on_disk(file) as path:
        count_upload(owner=owner)
        return _store(owner=owner, path=path, name=name)


def upload_sample(*, owner: User, name: str) -> Image:
    """Give `owner` a copy of one of the built-in samples.

    Raises
    ------
    SegmentationError
        With `not_found`, when there is no sample of that name.
    """
    sample = next((sample for sample in SAMPLES if sample.slug == name), None)
    if sample is None:
        raise SegmentationError("not_found", gettext_noop("There is no sample of this name."))
    with processing_slot(owner):
        count_upload(owner=owner)
        return _store(owner=owner, path=sample.path, name=sample.path.name)


@contextlib.contextmanager
def on_disk(file: File[bytes]) -> Iterator[Path]:
    """Have an uploaded file at a path, for a child to read."""
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with contextlib.ExitStack() as stack:
        try:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=files.incoming_folder()))) / "upload"
            with path.open("wb") as copy:
                copy.writelines(file.chunks())
        except OSError as error:
            raise files.storage_error(error) from error
        yield path


def inspected(inspection: Callable[..., T], path: Path, name: str, *, admitted: Limits, **more: Any) -> T:
    """Return what `inspection` of the decoder finds in a file, with further arguments of it; what ends the decoder's child is the file's fault, and refuses it.

    Raises
    ------
    Refusal, Busy
        As of the inspection, or because its child did not end well.
    """
    allowance = sandbox.Allowance(memory=min(_DECODE_MEMORY, settings.GMM_RUN_MEMORY), seconds=DECODE_SECONDS)
    try:
        with path.open("rb") as file:
            return inspection(file, name=name, limits=admitted, allowance=allowance, **more)
    except ChildFailed as failure:
        raise _REFUSED_BY_FAILURE.get(failure.code, failure) from failure


def _store(*, owner: User, path: Path, name: str) -> Image:
    inspection = inspected(decoder.inspect, path, name, admitted=limits())
    sha256, size = _identity(path)
    image = Image(id=uuid.uuid4(), owner=owner, name=name, sha256=sha256, bytes=size, **columns(inspection))
    image.stored_bytes = size + len(inspection.display.data) + len(inspection.thumbnail.data)
    with transaction.atomic():
        require_room_for_image(owner=owner, size=image.stored_bytes)
    try:
        with path.open("rb") as original, files.batch():
            files.put(files.image_key(image.pk, "original"), File(original))
            files.put(files.image_key(image.pk, "display"), inspection.display.data)
            files.put(files.image_key(image.pk, "thumbnail"), inspection.thumbnail.data)
        with transaction.atomic():
            require_room_for_image(owner=owner, size=image.stored_bytes)
            image.save(force_insert=True)
    except BaseException:
        files.delete_prefix(files.image_prefix(image.pk))
        raise
    return image


def columns(inspection: Inspection) -> dict[str, Any]:
    """Return the columns of an image that depend on how its file is read."""
    return {
        "format": inspection.header.format,
        "width": inspection.width,
        "height": inspection.height,
        "bands": inspection.header.bands,
        "fitted_bands": inspection.fitted_bands,
        "dtype": inspection.header.dtype,
        "frames": inspection.header.frames,
        "notices": [notice.to_mapping() for notice in inspection.notices],
        "metadata": inspection.metadata | FileDescription.of(inspection).to_mapping(),
        "display_type": inspection.display.content_type,
        "thumbnail_type": inspection.thumbnail.content_type,
    }


def _identity(path: Path) -> tuple[str, int]:
    """Return SHA-256 and length of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


_REFUSED_BY_FAILURE: dict[str, Refusal] = {
    "deadline": Refusal(
        "decode_timeout",
        gettext_noop("It takes too long to read for its size. Save it again with another program, or smaller."),
    ),
    "out_of_memory": Refusal(
        "out_of_memory", gettext_noop("Reading it needs more memory than this site allows. Save it smaller.")
    ),
    "crashed": Refusal(
        "corrupt", gettext_noop("It is damaged: the program that reads it gave up. Save it again and try once more.")
    ),
}


def _display_name(name: str) -> str:
    """Return the last part of what the browser sent, printable, at most 255 characters, its extension kept."""
    cleaned = _UNPRINTABLE.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).strip() or "picture"
    if len(cleaned) <= 255:
        return cleaned
    suffix = Path(cleaned).suffix[:16]
    return cleaned[: 255 - len(suffix)] + suffix
