"""Rows take their files (and a run or an output its job) along, whoever deletes them: page, API, admin or a cascade."""

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
    _forget(files.image_prefix(instance.pk))


@receiver(post_delete, sender=Run, dispatch_uid="run_deleted")
def _run_deleted(instance: Run, **_kwargs: Any) -> None:
    run_id: uuid.UUID = instance.job_id
    Job.objects.filter(pk=run_id).delete()
    _forget(files.run_prefix(run_id))


@receiver(post_delete, sender=JobOutput, dispatch_uid="job_output_deleted")
def _job_output_deleted(instance: JobOutput, **_kwargs: Any) -> None:
    job_id: uuid.UUID = instance.job_id
    Job.objects.filter(pk=job_id).delete()
    _forget(files.output_prefix(job_id))


@receiver(post_delete, sender=CachedFile, dispatch_uid="cached_file_deleted")
def _cached_file_deleted(instance: CachedFile, **_kwargs: Any) -> None:
    _forget(files.cache_prefix(instance.pk))


def _forget(prefix: str) -> None:
    """Delete files on commit; should the storage fail, they are orphans that the sweep finds after a day."""
    transaction.on_commit(lambda: files.delete_prefix(prefix), robust=True)
