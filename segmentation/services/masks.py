"""Masks: pixels of an image that a run leaves out.

A mask is uploaded for an image and waits beside it; each run that takes it keeps a copy of its own, which goes with the run. What
no run has taken is an orphan, and swept as such.
"""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.files.base import File
from django.db import transaction
from django.db.models import F
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from segmentation import files
from segmentation.engine import decoder, pipeline
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.imaging import Limits, MaskMaster
from segmentation.engine.recipe import Inputs
from segmentation.exceptions import QuotaExceeded
from segmentation.models import Image, Run, User
from segmentation.models.runs import RunQuerySet
from segmentation.services.audit import record
from segmentation.services.places import place_for
from segmentation.services.quotas import lock, require_room
from segmentation.services.rates import count_upload
from segmentation.services.uploads import inspected, limits, on_disk

MOST_MASKS = 20
"""So many masks wait for runs of one image; those that runs have taken are the runs'."""

_LOOKED_AT = 100  # runs
_BYTES_PER_PIXEL = 4  # of a mask as programs write it: RGBA, or numbered objects in 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedMask:
    """A mask, and the newest run that has taken it."""

    sha256: str
    run_id: uuid.UUID
    created: datetime


def upload_mask(*, image: Image, file: File[bytes], name: str, actor: User | None = None) -> MaskMaster:
    """Store a mask for runs of `image`; what is not black in it is left out. Its SHA-256 names it in `Inputs`.

    Parameters
    ----------
    actor : User or None
        Who uploads it, for the log and for the place that it takes; None: the image's owner.

    Raises
    ------
    Refusal
        When it is no picture that this site takes as a mask, or keeps no pixel.
    SegmentationError
        With `invalid_request`, when it has not the size of the image.
    Busy, QuotaExceeded, RateLimited, StorageUnavailable
        When there is no room for it now.
    """
    with place_for(actor or image.owner), on_disk(file) as path:
        count_upload(owner=image.owner)
        master = inspected(decoder.inspect_mask, path, name, admitted=_limits(image))
    pipeline.require_same_size((master.width, master.height), (image.width, image.height))
    _store(image, master)
    record(actor=actor, thing=image, what=_("Mask uploaded."))
    return master


def _limits(image: Image) -> Limits:
    """Return what is admitted as a mask: a file as this site takes it, of a picture that may be larger than it takes today."""
    pixels = image.width * image.height
    return replace(
        limits(), pixels=image.limits.pixels, decoded_bytes=max(image.limits.decoded_bytes, pixels * _BYTES_PER_PIXEL)
    )


def _store(image: Image, master: MaskMaster) -> None:
    """Store a mask and count it, or neither."""
    key = files.mask_key(image.pk, master.sha256)
    with transaction.atomic():
        _masks_with(image, master)
    files.put(key, master.data)
    try:
        with transaction.atomic():
            masks = _masks_with(image, master)
            if masks is not None:
                stored_bytes = F("stored_bytes") + len(master.data)
                Image.objects.filter(pk=image.pk).update(masks=masks, stored_bytes=stored_bytes)
    except BaseException:
        files.delete(key)
        raise


def _masks_with(image: Image, master: MaskMaster) -> dict[str, int] | None:
    """Return the masks that wait for runs of `image`, with one more that there is room for; None when it is one of them."""
    lock(image.owner)
    row = Image.objects.select_for_update().filter(pk=image.pk).values("masks").first()
    if row is None:
        raise SegmentationError("not_found", gettext_noop("This picture has been deleted."))
    masks: dict[str, int] = row["masks"] or {}
    if master.sha256 in masks:
        return None
    if len(masks) >= MOST_MASKS:
        raise QuotaExceeded(
            "quota_images",
            gettext_noop(
                "This picture has reached its limit of uploaded masks (%(count)s). Start a run with one of them, or upload this "
                "one tomorrow, when unused masks have been deleted."
            ),
            count=len(masks),
        )
    require_room(owner=image.owner, size=len(master.data))
    return masks | {master.sha256: len(master.data)}


@contextlib.contextmanager
def masters_for(*, run_id: uuid.UUID, image: Image, inputs: Inputs) -> Iterator[int]:
    """Store what `inputs` name under a run whose row is written inside; without the row, nothing is left behind.

    Its bytes are what the context manager gives.

    Raises
    ------
    SegmentationError
        With `invalid_request`, when the image has no such mask.
    StorageUnavailable
        When it cannot be copied now.
    """
    if inputs.mask is None:
        yield 0
        return
    source = _key_of(image, inputs.mask)
    try:
        mask = files.read(source)
        files.put(files.run_input_key(run_id, inputs.mask), mask)
        yield len(mask)
    except BaseException:
        files.delete_prefix(files.run_prefix(run_id))
        raise


def masks_in_use(*, runs: RunQuerySet) -> list[UsedMask]:
    """Return the masks that these runs have taken, each once, the newest use first."""
    taken = runs.filter(inputs__has_key="mask").newest_first()
    found: dict[str, UsedMask] = {}
    for mask, run_id, created in taken.values_list(KT("inputs__mask"), "pk", "job__created")[:_LOOKED_AT]:
        if mask is not None:
            found.setdefault(mask, UsedMask(sha256=mask, run_id=run_id, created=created))
    return list(found.values())


def _key_of(image: Image, mask: str) -> str:
    """Where a mask of this image stands: as it was uploaded, or with a run that took it."""
    uploaded = files.mask_key(image.pk, mask)
    if files.exists(uploaded):
        return uploaded
    run = Run.objects.filter(image=image, inputs__mask=mask).only("pk").first()
    if run is None:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("This picture has no such mask, or it was never used and is gone: upload it again."),
            field="mask",
        )
    return files.run_input_key(run.pk, mask)
