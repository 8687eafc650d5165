"""The share of one owner in the slots for long jobs, while somebody else waits: all but one of them, and at least one."""

import logging

from django.db.models import Count, Max, Sum

from segmentation.models import Job, Worker
from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import SHORT_SECONDS, JobQuerySet

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""How long a long job waits before it gets a slot of an owner who has them all."""


def share(slots: int) -> int:
    """Return how many of the slots for long jobs of all workers one owner may hold while somebody else waits."""
    return max(1, slots - 1)


def owners_at_their_share(waiting: JobQuerySet) -> list[int]:
    """Return the owners who may begin no long job now; none while only one person waits."""
    owners = _owners_with_more_than(share(_slots()) - 1)
    return owners if owners and len(waiting.order_by().values("owner").distinct()[:2]) > 1 else []


def make_room(*, patience: float = PATIENCE_SECONDS) -> bool:
    """Hand back one long job of an owner who holds all slots while another's long job has waited for some time.

    It is the one that was begun last, so that least is lost; the attempt does not count, and the job keeps its place in
    the queue. Its worker stops it at the next heartbeat. An owner who holds the only slot keeps it: taken away again
    and again, the job would never end. Returns whether there was such a job.
    """
    slots = _slots()
    holders = _owners_with_more_than(share(slots)) if slots > 1 else []
    holder = holders[0] if holders else None
    if holder is None or not _waits_for_long(holder, patience):
        return False
    newest = Job.objects.running_long().filter(owner=holder).order_by("-claimed", "-pk").first()
    if newest is None or newest.lease is None or not Job.objects.hand_back(newest.lease, counted=False):
        return False
    logger.info("%s goes back to the queue: its owner held all slots, and others wait.", newest)
    return True


def _waits_for_long(holder: int, patience: float) -> bool:
    """Return whether somebody else's job that is long on every worker has waited for so many seconds."""
    fastest = Worker.objects.at_work().aggregate(speed=Max("speed", default=1.0))["speed"]
    others = Job.objects.ready().exclude(owner=holder).filter(expected_seconds__gte=SHORT_SECONDS * fastest)
    return others.filter(queued__lte=seconds_from_now(-patience)).exists()


def _owners_with_more_than(n: int) -> list[int]:
    """Return the owners of more than n running long jobs."""
    counted = Job.objects.running_long().order_by().values("owner").annotate(n=Count("pk"))
    return list(counted.filter(n__gt=n).values_list("owner", flat=True))


def _slots() -> int:
    return int(Worker.objects.at_work().aggregate(slots=Sum("slots", default=0))["slots"])
