"""Set the columns that hold the sizes of stored files, where they are missing or have changed."""

import uuid
from typing import Any

from django.db import transaction

from segmentation import files
from segmentation.models import Image, Result, Run
from segmentation.storage import Stored


def record_sizes() -> int:
    """Set the sizes in the rows of images, runs and results that an older release has made. Returns the number of rows.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer; rows that were updated before keep their sizes.
    """
    count = 0
    for image_id in Image.objects.filter(stored_bytes=None).values_list("pk", flat=True):
        record_image_size(image_id)
        count += 1
    for run in Run.objects.filter(inputs_bytes=None).only("pk"):
        size = sum(file.bytes for file in _listed(f"{files.run_prefix(run.pk)}/{files.INPUTS}"))
        Run.objects.filter(pk=run.pk).update(inputs_bytes=size)
        count += 1
    for result in Result.objects.filter(bytes=None).only("pk", "files"):
        size = sum(file["bytes"] for file in result.files.values())
        Result.objects.filter(pk=result.pk).update(bytes=size)
        count += 1
    return count


def record_image_size(image_id: uuid.UUID) -> None:
    """Set the sizes in the row of an image to those that the storage lists, unless the row changes meanwhile."""
    before = _row(image_id)
    listed = _listed(files.image_prefix(image_id))
    masks = {sha256: file.bytes for file in listed if (sha256 := files.mask_sha256(file.key)) is not None}
    with transaction.atomic():
        if _row(image_id, lock=True) == before:
            Image.objects.filter(pk=image_id).update(
                stored_bytes=sum(file.bytes for file in listed), masks=masks or None
            )


def _row(image_id: uuid.UUID, *, lock: bool = False) -> Any:
    images = Image.objects.select_for_update() if lock else Image.objects.all()
    return images.filter(pk=image_id).values("stored_bytes", "masks").first()


def _listed(prefix: str) -> list[Stored]:
    return [file for file in files.walk(prefix) if not files.is_temporary(file.key)]
