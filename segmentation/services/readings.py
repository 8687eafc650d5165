"""How the file of a picture is read: the plane, channels, no data and alpha that a person has chosen, and the pixel size."""

import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from segmentation import files
from segmentation.engine import decoder
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.imaging import Inspection
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource, size_of_text, size_with_unit
from segmentation.engine.recipe import Reading
from segmentation.exceptions import Conflict
from segmentation.models import Image, User
from segmentation.services.audit import record
from segmentation.services.processing_slots import processing_slot
from segmentation.services.quotas import lock, require_room
from segmentation.services.uploads import columns, inspected, require_readable
from segmentation.upkeep.stored_sizes import record_image_size

_RENDITIONS = ("display", "thumbnail")


def change_reading(*, image: Image, reading: Reading, actor: User | None = None) -> None:
    """Read the file of a picture in another way from now on; results that exist keep the way in which they were made.

    Parameters
    ----------
    image : Image
    reading : Reading
    actor : User or None
        Who changes it, for the log; None: the owner.

    Raises
    ------
    Refusal
        When the file has no such plane or channel, or cannot be read.
    Conflict
        With `state_conflict`, when the picture would have another size than its runs; with `revision_conflict`, when it was
        changed meanwhile.
    Busy, RateLimited, QuotaExceeded, StorageUnavailable
        When there is no processing slot or no room for it now.
    """
    require_readable(image)
    if reading == image.parsed_reading:
        return
    with processing_slot(actor or image.owner):
        inspection = _inspected(image, reading)
    before = [image.rendition_key(name) for name in _RENDITIONS]
    number = secrets.randbelow(2**31)  # no other request takes it
    after = {name: files.rendition_key(image.pk, name, number) for name in _RENDITIONS}
    changed = columns(inspection) | {
        "reading": None if reading == Reading() else reading.to_mapping(),
        "renditions": number,
    }
    try:
        with files.batch():
            files.put(after["display"], inspection.display.data)
            files.put(after["thumbnail"], inspection.thumbnail.data)
        _replace(image, changed, added=len(inspection.display.data) + len(inspection.thumbnail.data), actor=actor)
    except BaseException:
        _delete(after.values())
        raise
    _delete(before)
    record_image_size(image.pk)
    image.refresh_from_db()


@transaction.atomic
def change_pixel_size(*, image: Image, pixel_size: PixelSize | None, actor: User | None = None) -> None:
    """Set the size of a pixel that a person has given, or remove it with None; label maps do not depend on it, areas do.

    Parameters
    ----------
    image : Image
    pixel_size : PixelSize or None
    actor : User or None
        Who changes it, for the log; None: the owner.
    """
    given = None if pixel_size is None else replace(pixel_size, source=SizeSource.PERSON).to_mapping()
    if given == image.pixel_size:
        return
    Image.objects.filter(pk=image.pk).update(pixel_size=given)
    record(actor=actor, thing=image, what=_("Changed the pixel size."))
    image.pixel_size = given


def parse_pixel_size(text: str) -> PixelSize:
    """Parse the size of a pixel as a person writes it, for example `0.25 um` or `0.25 x 0.3 um`.

    Raises
    ------
    SegmentationError
        With `invalid_request`, when it is no size.
    """
    return _require_size(size_of_text(text))


def pixel_size_in_unit(*, width: float, height: float, unit: str) -> PixelSize:
    """Return the size of a pixel that a person gives; errors as for `parse_pixel_size`."""
    return _require_size(size_with_unit(width, height, unit, SizeSource.PERSON))


def _require_size(size: PixelSize | None) -> PixelSize:
    if size is None:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("The size of a pixel must be a number with a unit of length, for example 0.25 µm or 10 m."),
            field="pixel_size",
        )
    return size


def _inspected(image: Image, reading: Reading) -> Inspection:
    """Decode the original in a child process; it is copied to this machine first, since the child reads an open file."""
    with tempfile.NamedTemporaryFile(dir=files.incoming_folder()) as copy:
        try:
            copy.write(files.read(files.image_key(image.pk, "original")))
            copy.flush()
        except OSError as error:
            raise files.storage_error(error) from error
        return inspected(decoder.inspect, Path(copy.name), image.name, admitted=image.limits, reading=reading)


@transaction.atomic
def _replace(image: Image, changed: dict[str, Any], *, added: int, actor: User | None) -> None:
    """Change the row, unless it was changed since it was read."""
    lock(image.owner)
    require_room(owner=image.owner, size=added)
    rows = Image.objects.filter(pk=image.pk, renditions=image.renditions)
    if (changed["width"], changed["height"]) != (image.width, image.height) and image.runs.exists():
        raise Conflict(
            "state_conflict",
            gettext_noop(
                "This plane has another size than the runs of the picture. Upload the file again and choose it there."
            ),
        )
    if not rows.update(**changed, stored_bytes=F("stored_bytes") + added):
        raise Conflict(
            "revision_conflict", gettext_noop("The picture was changed elsewhere meanwhile. Load the page again.")
        )
    record(actor=actor, thing=image, what=_("Changed how the file is read."))


def _delete(keys: Iterable[str]) -> None:
    for key in keys:
        files.delete(key)
