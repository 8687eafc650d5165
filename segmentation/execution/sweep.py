import logging

from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.kinds import KINDS
from segmentation.execution.loss import settle_loss
from segmentation.execution.share import make_room
from segmentation.models import Job

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 60.0
_COLUMNS = ("kind", "pk", "lease", "attempt")


def sweep(deletions: FileDeletionQueue | None = None) -> int:
    """Put jobs back whose worker has fallen silent; returns how many jobs wait.

    Any number of workers may sweep at once: each change is guarded by the dead lease. What the dead attempt has stored is
    deleted by a child, of `deletions` if given; otherwise the call waits for it. An owner who holds all slots for long jobs
    while others wait gives one back.
    """
    own = FileDeletionQueue() if deletions is None else deletions
    for kind, job_id, lease, attempt in Job.objects.stalled().of_kinds(KINDS).values_list(*_COLUMNS):
        if lease is not None and settle_loss(Job.objects.stalled(), lease=lease, attempt=attempt):
            logger.warning("%s %s has lost its worker in attempt %s.", kind.capitalize(), job_id, attempt)
            own.delete(f"{KINDS[kind].prefix(job_id)}/{lease}")
    make_room()
    if deletions is None:
        own.finish(within=_PATIENCE_SECONDS)
    return Job.objects.queued().count()
