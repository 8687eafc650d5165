"""What becomes of a job whose attempt ended for no fault of its own: its worker or its child was killed."""

import uuid

from django.conf import settings

from segmentation.engine.exceptions import gettext_noop
from segmentation.models.jobs import JobQuerySet

_WORKER_LOST = gettext_noop("The server stopped during this run, more than once.")


def settle_loss(jobs: JobQuerySet, *, lease: uuid.UUID, attempt: int) -> bool:
    """Queue the job again, or fail it after its last attempt; returns whether the lease still held it.

    Parameters
    ----------
    jobs : JobQuerySet
        What the job must still belong to.
    attempt : int
        The number of the attempt that was lost, 1 for the first.
    """
    if attempt >= settings.GMM_MAX_ATTEMPTS:
        return jobs.fail(lease, code="worker_lost", detail=_WORKER_LOST)
    return jobs.hand_back(lease, counted=True)
