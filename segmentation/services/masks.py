"""Masks: pixels of an image that a run leaves out.

A mask is uploaded for an image and waits beside it; each run that takes it keeps a copy of its own, which goes with the run. What
no run has taken is an orphan, and swept as such.
"""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.files.base import File
from django.db.models.fields.json import KT

from segmentation import files
from segmentation.engine import pipeline
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.imaging import MaskMaster, inspect_mask
from segmentation.engine.recipe import Inputs
from segmentation.models import Image, Run, User
from segmentation.models.runs import RunQuerySet
from segmentation.services.places import place_for
from segmentation.services.rates import count_upload
from segmentation.services.uploads import inspected, on_disk

_LOOKED_AT = 100  # runs


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedMask:
    """A mask, and the newest run that has taken it."""

    sha256: str
    run_id: uuid.UUID
    created: datetime


def upload_mask(*, image: Image, file: File[bytes], name: str, asker: User | None = None) -> MaskMaster:
    """Store a mask for runs of `image`; what is not black in it is left out. Its SHA-256 names it in `Inputs`.

    Raises
    ------
    Refusal
        When it is no picture that this site takes as a mask, or keeps no pixel.
    SegmentationError
        With `invalid_request`, when it has not the size of the image.
    Busy, RateLimited, StorageUnavailable
        When there is no room for it now.
    """
    with place_for(asker or image.owner), on_disk(file) as path:
        count_upload(owner=image.owner)
        master = inspected(inspect_mask, path, name)
    pipeline.require_size((master.width, master.height), (image.width, image.height))
    files.put(files.mask_key(image.pk, master.sha256), master.data)
    return master


@contextlib.contextmanager
def masters_for(*, run_id: uuid.UUID, image: Image, inputs: Inputs) -> Iterator[None]:
    """Store what `inputs` name under a run whose row is written inside; without the row, nothing is left behind.

    Raises
    ------
    SegmentationError
        With `invalid_request`, when the image has no such mask.
    StorageUnavailable
        When it cannot be copied now.
    """
    if inputs.mask is None:
        yield
        return
    source = _key_of(image, inputs.mask)
    try:
        files.put(files.run_input_key(run_id, inputs.mask), files.read(source))
        yield
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
