import logging

from segmentation import files
from segmentation.execution.errands import Errands
from segmentation.execution.loss import settle_loss
from segmentation.execution.share import make_room
from segmentation.models import Job

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 60.0


def sweep(errands: Errands | None = None) -> int:
    """Put runs back whose worker has fallen silent; returns how many jobs wait.

    Any number of workers may sweep at once: each change is guarded by the dead lease. What the dead attempt has stored is
    deleted by a child, of `errands` if given; otherwise the call waits for it. An owner who holds all slots for long jobs
    while others wait gives one back.
    """
    own = Errands() if errands is None else errands
    for job_id, lease, attempt in Job.objects.stalled().values_list("pk", "lease", "attempt"):
        if lease is not None and settle_loss(Job.objects.stalled(), lease=lease, attempt=attempt):
            logger.warning("Run %s has lost its worker in attempt %s.", job_id, attempt)
            own.delete(files.run_prefix(job_id, lease))
    make_room()
    if errands is None:
        own.finish(within=_PATIENCE_SECONDS)
    return Job.objects.queued().count()
