"""Whose turn it is: of the owner with fewest running, then the owner served longest ago, then the oldest job.

Whoever queues a hundred jobs takes nothing from whoever queues a single one, and alone still gets all slots. Long jobs are limited
in two ways: each worker does as many as it has slots for them, which leaves its further slots to short jobs; and while
somebody else waits, no owner gets more than their share of those slots (`share`).
"""

import logging
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import Count, F, IntegerField, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from segmentation.execution.kinds import KINDS, kind_of
from segmentation.execution.share import owners_at_their_share
from segmentation.models import Job

logger = logging.getLogger(__name__)


class Turns:
    """Whose turn it is among the jobs that this release knows; those of newer releases wait for a newer worker."""

    def __init__(self) -> None:
        self._passed_over: set[uuid.UUID] = set()  # this process will never know them

    def next(self, *, speed: float, long_too: bool) -> uuid.UUID | None:
        """Return the id of the job whose turn it is, or None when nothing waits that can be done here.

        A job without an expected cost, of an older release, is judged before it is returned.

        Parameters
        ----------
        speed : float
            Of the worker; it decides which jobs are short there.
        long_too : bool
            Whether the worker has a slot for a long job; otherwise it takes short ones only.
        """
        while (job_id := next_job(passed_over=self._passed_over, speed=speed, long_too=long_too)) is not None:
            job = Job.objects.filter(pk=job_id).first()
            if job is not None and not kind_of(job).is_known(job):
                logger.warning("%s was made by a newer release and waits for a newer worker.", job)
                self._passed_over.add(job_id)
            elif job is not None and job.expected_seconds is None:
                Job.objects.expect(job_id, seconds=kind_of(job).expected_seconds(job))
            else:
                return job_id  # deleted meanwhile: the claim finds out
        return None


def next_job(*, passed_over: Collection[uuid.UUID] = (), speed: float = 1.0, long_too: bool = True) -> uuid.UUID | None:
    """Return the id of the job whose turn it is, or None when nothing waits.

    Looks at the indexes of queued and running jobs and at the newest claim of each waiting owner.

    Parameters
    ----------
    passed_over : collection of UUID
        Jobs that this worker cannot do; they wait for another.
    speed, long_too
        As in `Turns.next`.
    """
    waiting = Job.objects.ready().of_kinds(KINDS)
    if not waiting.exists():  # the usual answer, asked for ten times a second
        return None
    if passed_over:
        waiting = waiting.exclude(pk__in=passed_over)
    short = waiting.short(speed=speed)
    if not long_too:
        candidates = short
    elif limited := owners_at_their_share(waiting):
        candidates = short | waiting.exclude(owner__in=limited)
    else:
        candidates = waiting
    oldest = candidates.filter(owner=OuterRef("owner")).order_by("queued", "id").values("pk")[:1]
    turn = (
        _owners(candidates)
        .annotate(oldest=Subquery(oldest))
        .order_by("running", F("served").asc(nulls_first=True), "since", "oldest")
        .first()
    )
    return turn["oldest"] if turn else None


def _owners(candidates: QuerySet[Job]) -> QuerySet[Any, Any]:
    """Group by owner: since when the oldest waits, how many run, and when one was last claimed."""
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
