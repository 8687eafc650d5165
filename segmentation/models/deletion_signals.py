"""Signal receivers that delete the files of a deleted row, and the job of a deleted run or output.

They also run for deletions by the API, the admin and cascades.
"""

import uuid
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from segmentation import files
from segmentation.models.cached_files import CachedFile
from segmentation.models.images import Image
from segmentation.models.jobs import Job
from segmentation.models.outputs import JobOutput
from segmentation.models.runs import Run


@receiver(post_delete, sender=Image, dispatch_uid="image_deleted")
def _image_deleted(instance: Image, **_kwargs: Any) -> None:
    _delete_files_on_commit(files.image_prefix(instance.pk))


@receiver(post_delete, sender=Run, dispatch_uid="run_deleted")
def _run_deleted(instance: Run, **_kwargs: Any) -> None:
    run_id: uuid.UUID = instance.job_id
    Job.objects.filter(pk=run_id).delete()
    _delete_files_on_commit(files.run_prefix(run_id))


@receiver(post_delete, sender=JobOutput, dispatch_uid="job_output_deleted")
def _job_output_deleted(instance: JobOutput, **_kwargs: Any) -> None:
    job_id: uuid.UUID = instance.job_id
    Job.objects.filter(pk=job_id).delete()
    _delete_files_on_commit(files.output_prefix(job_id))


@receiver(post_delete, sender=CachedFile, dispatch_uid="cached_file_deleted")
def _cached_file_deleted(instance: CachedFile, **_kwargs: Any) -> None:
    _delete_files_on_commit(files.cache_prefix(instance.pk))


def _delete_files_on_commit(prefix: str) -> None:
    """Delete the files below `prefix` on commit. If the storage fails, the daily sweep deletes them a day later."""
    transaction.on_commit(lambda: files.delete_prefix(prefix), robust=True)
