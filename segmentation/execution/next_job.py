"""Choose the job that a worker starts next.

Owners are ordered by the number of their running jobs, then by the time at which one of their jobs was last claimed; the next job
is the oldest of the first owner. So an owner of many jobs does not delay an owner of one, and gets all slots when no other job
waits. Long jobs are limited in two ways: each worker runs only as many as it has slots for them, so that its other slots are
left for short jobs; and while jobs of several owners wait, no owner gets more than their share of those slots (`fair_share`).
"""

import logging
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import Count, F, IntegerField, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from segmentation.execution.fair_share import owners_at_their_share
from segmentation.execution.kinds import KINDS, kind_of
from segmentation.models import Job

logger = logging.getLogger(__name__)


class JobFinder:
    """Finds the next job that this release knows; jobs of newer releases are left to newer workers."""

    def __init__(self) -> None:
        self._unknown: set[uuid.UUID] = set()  # jobs of newer releases

    def find(self, *, speed: float, long_too: bool) -> uuid.UUID | None:
        """Return the id of the next job for this worker, or None when there is none.

        If the job has no expected cost (older release), the cost is estimated and stored, and the choice is made again.

        Parameters
        ----------
        speed : float
            Speed of the worker, which decides which jobs are short.
        long_too : bool
            Whether the worker has a free slot for a long job; otherwise only short jobs are considered.
        """
        while (job_id := next_job(excluded=self._unknown, speed=speed, long_too=long_too)) is not None:
            job = Job.objects.filter(pk=job_id).first()
            if job is not None and not kind_of(job).is_known(job):
                logger.warning("%s was made by a newer release and waits for a newer worker.", job)
                self._unknown.add(job_id)
            elif job is not None and job.expected_seconds is None:
                Job.objects.set_expected_seconds(job_id, seconds=kind_of(job).expected_seconds(job))
            else:
                return job_id  # also if it was deleted meanwhile: then claiming it fails
        return None


def next_job(*, excluded: Collection[uuid.UUID] = (), speed: float = 1.0, long_too: bool = True) -> uuid.UUID | None:
    """Return the id of the next job, or None when none waits.

    The query uses the partial indexes on queued and on running jobs, and the index on owner and time of claim.

    Parameters
    ----------
    excluded : collection of UUID
        Jobs to leave out, because this worker cannot do them.
    speed, long_too
        As in `JobFinder.find`.
    """
    waiting = Job.objects.ready().of_kinds(KINDS)
    if not waiting.exists():  # the usual case; workers ask ten times a second
        return None
    if excluded:
        waiting = waiting.exclude(pk__in=excluded)
    short = waiting.short(speed=speed)
    if not long_too:
        candidates = short
    elif limited := owners_at_their_share(waiting):
        candidates = short | waiting.exclude(owner__in=limited)
    else:
        candidates = waiting
    oldest = candidates.filter(owner=OuterRef("owner")).order_by("queued", "id").values("pk")[:1]
    first_owner = (
        _owners(candidates)
        .annotate(oldest=Subquery(oldest))
        .order_by("running", F("served").asc(nulls_first=True), "since", "oldest")
        .first()
    )
    return first_owner["oldest"] if first_owner else None


def _owners(candidates: QuerySet[Job]) -> QuerySet[Any, Any]:
    """Group jobs by owner, with the time of the oldest, the number of running jobs, and the time of the last claim."""
    of_owner = Job.objects.filter(owner=OuterRef("owner")).order_by()
    running = of_owner.running().values("owner").values(number=Count("id"))
    served = of_owner.filter(claimed__isnull=False).order_by("-claimed").values("claimed")[:1]
    return (
        candidates.order_by()
        .values("owner")
        .annotate(
            since=Min("queued"),
            running=Coalesce(Subquery(running), 0, output_field=IntegerField()),
            served=Subquery(served),
        )
    )
