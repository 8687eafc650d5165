import logging

from segmentation.execution.fair_share import requeue_for_others
from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.kinds import KINDS
from segmentation.execution.lost_attempts import requeue_or_fail
from segmentation.models import Job

logger = logging.getLogger(__name__)

_DELETION_SECONDS = 60.0
_COLUMNS = ("kind", "pk", "lease", "attempt")


def sweep(deletions: FileDeletionQueue | None = None) -> int:
    """Requeue or fail the jobs whose lease has expired, and return the number of waiting jobs.

    Several workers can sweep at the same time, since each change tests the expired lease. The files of the lost attempts are
    added to the queue `deletions`; without one, the call waits until they are deleted. Then `requeue_for_others` is called.
    """
    own = FileDeletionQueue() if deletions is None else deletions
    for kind, job_id, lease, attempt in Job.objects.stalled().of_kinds(KINDS).values_list(*_COLUMNS):
        if lease is not None and requeue_or_fail(Job.objects.stalled(), lease=lease, attempt=attempt):
            logger.warning("%s %s has lost its worker in attempt %s.", kind.capitalize(), job_id, attempt)
            own.delete(f"{KINDS[kind].prefix(job_id)}/{lease}")
    requeue_for_others()
    if deletions is None:
        own.finish(within=_DELETION_SECONDS)
    return Job.objects.queued().count()
