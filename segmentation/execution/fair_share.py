"""Limit the number of slots for long jobs that one owner can hold while another owner's jobs wait.

The limit is all slots but one, and at least one.
"""

import logging

from django.db.models import Count, Max, Sum

from segmentation.models import Job, Worker
from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import SHORT_SECONDS, JobQuerySet

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 60.0
"""After this time, a waiting long job gets a slot of an owner who holds all of them."""


def largest_share(slots: int) -> int:
    """Return how many of all slots for long jobs one owner may hold while another owner's jobs wait."""
    return max(1, slots - 1)


def owners_at_their_share(waiting: JobQuerySet) -> list[int]:
    """Return the owners who may start no long job now; none while all waiting jobs have the same owner."""
    owners = _owners_with_more_than(largest_share(_slots()) - 1)
    return owners if owners and len(waiting.order_by().values("owner").distinct()[:2]) > 1 else []


def requeue_for_others(*, waited: float = LONGEST_WAIT_SECONDS) -> bool:
    """Requeue one long job of an owner who holds all slots, if a long job of another owner has waited for `waited` seconds.

    The job that was claimed last is taken, because it loses the least work. Its attempt does not count, and it keeps its
    position in the queue; its worker stops it at the next heartbeat. If there is only one slot, no job is requeued, because it
    might never end. Returns whether a job was requeued.
    """
    slots = _slots()
    owners = _owners_with_more_than(largest_share(slots)) if slots > 1 else []
    owner = owners[0] if owners else None
    if owner is None or not _long_job_waits(owner, waited):
        return False
    newest = Job.objects.running_long().filter(owner=owner).order_by("-claimed", "-pk").first()
    if newest is None or newest.lease is None or not Job.objects.requeue(newest.lease, counted=False):
        return False
    logger.info("%s goes back to the queue: its owner held all slots, and others wait.", newest)
    return True


def _long_job_waits(owner: int, waited: float) -> bool:
    """Return whether another owner's job that is long on every worker has waited for this many seconds."""
    fastest = Worker.objects.accepting_jobs().aggregate(speed=Max("speed", default=1.0))["speed"]
    others = Job.objects.ready().exclude(owner=owner).filter(expected_seconds__gte=SHORT_SECONDS * fastest)
    return others.filter(queued__lte=seconds_from_now(-waited)).exists()


def _owners_with_more_than(n: int) -> list[int]:
    """Return the owners of more than n running long jobs."""
    counted = Job.objects.running_long().order_by().values("owner").annotate(n=Count("pk"))
    return list(counted.filter(n__gt=n).values_list("owner", flat=True))


def _slots() -> int:
    return int(Worker.objects.accepting_jobs().aggregate(slots=Sum("slots", default=0))["slots"])
