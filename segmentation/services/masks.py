"""Masks, which select the pixels of an image that a run leaves out.

A mask is uploaded for an image. Each run that uses it stores a copy of its own, which is deleted with the run. An uploaded mask
that no run names is deleted by the daily sweep.
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
from segmentation.services.processing_slots import processing_slot
from segmentation.services.quotas import lock, require_room
from segmentation.services.rate_limits import count_upload
from segmentation.services.uploads import inspected, limits, on_disk

MOST_MASKS = 20
"""The most uploaded masks of one image; the copies that runs have stored do not count."""

_MAX_RUNS = 100  # of which the masks are listed, newest first
_BYTES_PER_PIXEL = 4  # of the largest usual mask: RGBA, or object numbers in 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedMask:
    """A mask, and the newest run that uses it."""

    sha256: str
    run_id: uuid.UUID
    created: datetime


def upload_mask(*, image: Image, file: File[bytes], name: str, actor: User | None = None) -> MaskMaster:
    """Store a mask for runs of `image`; its pixels that are not black are left out. `Inputs` names it by its SHA-256.

    Parameters
    ----------
    actor : User or None
        Who uploads it, for the log and for the processing slot; None: the image's owner.

    Raises
    ------
    Refusal
        When this site does not accept the file as a mask, or the mask leaves out all pixels.
    SegmentationError
        With `invalid_request`, when the mask and the image differ in size.
    Busy, QuotaExceeded, RateLimited, StorageUnavailable
        When a processing slot or space is missing, or the storage does not answer.
    """
    with processing_slot(actor or image.owner), on_disk(file) as path:
        count_upload(owner=image.owner)
        master = inspected(decoder.inspect_mask, path, name, admitted=_limits(image))
    pipeline.require_same_size((master.width, master.height), (image.width, image.height))
    _store(image, master)
    record(actor=actor, thing=image, what=_("Mask uploaded."))
    return master


def _limits(image: Image) -> Limits:
    """Return the limits for a mask: those of uploads, raised where the image is larger than new uploads may be."""
    pixels = image.width * image.height
    return replace(
        limits(), pixels=image.limits.pixels, decoded_bytes=max(image.limits.decoded_bytes, pixels * _BYTES_PER_PIXEL)
    )


def _store(image: Image, master: MaskMaster) -> None:
    """Store a mask and add its size to the image's row, or do neither."""
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
    """Return the uploaded masks of `image` with a new one added; None when it is one of them already.

    Raises
    ------
    SegmentationError
        With `not_found`, when the image was deleted.
    QuotaExceeded
        When the image has too many masks, or its owner has no room for this one.
    """
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
    """Copy the mask that `inputs` name to a new run, and give its size in bytes. The row of the run is written in the block.

    If the block raises, the copy is deleted.

    Raises
    ------
    SegmentationError
        With `invalid_request`, when the image has no such mask.
    StorageUnavailable
        When the mask cannot be copied.
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
    """Return the masks that these runs use, each once, the most recently used first."""
    taken = runs.filter(inputs__has_key="mask").newest_first()
    found: dict[str, UsedMask] = {}
    for mask, run_id, created in taken.values_list(KT("inputs__mask"), "pk", "job__created")[:_MAX_RUNS]:
        if mask is not None:
            found.setdefault(mask, UsedMask(sha256=mask, run_id=run_id, created=created))
    return list(found.values())


def _key_of(image: Image, mask: str) -> str:
    """Return the key of a mask of this image: the uploaded file, or the copy of a run that uses it."""
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
