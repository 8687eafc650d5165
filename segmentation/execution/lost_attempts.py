"""Requeue or fail a job whose worker or child process was killed."""

import uuid

from django.conf import settings

from segmentation.engine.exceptions import gettext_noop
from segmentation.models.jobs import JobQuerySet

_WORKER_LOST = gettext_noop("The server stopped during this run, more than once.")


def requeue_or_fail(jobs: JobQuerySet, *, lease: uuid.UUID, attempt: int) -> bool:
    """Requeue a job after a lost attempt, or fail it after the last one. Returns whether the lease was still valid.

    Parameters
    ----------
    jobs : JobQuerySet
        The job is changed only if it is one of these.
    attempt : int
        The number of the attempt that was lost, 1 for the first.
    """
    if attempt >= settings.GMM_MAX_ATTEMPTS:
        return jobs.fail(lease, code="worker_lost", detail=_WORKER_LOST)
    return jobs.requeue(lease, counted=True)
