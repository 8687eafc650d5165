"""Whose turn it is: of the owner with fewest running, then the owner served longest ago, then the oldest job.

Who queues a hundred runs takes nothing from who queues a single one, and alone still gets all places.
"""

import logging
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import Count, F, IntegerField, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from segmentation.engine import recipe as recipes
from segmentation.models import Job, Run
from segmentation.models.jobs import Kind

logger = logging.getLogger(__name__)


class Turns:
    """Whose turn it is among the runs that this release knows; those of newer releases wait for a newer worker."""

    def __init__(self) -> None:
        self._passed_over: set[uuid.UUID] = set()  # this process will never know them

    def next(self) -> uuid.UUID | None:
        """Return the id of the job whose turn it is, or None when nothing waits that can be done here."""
        while (job_id := next_job(passed_over=self._passed_over)) is not None:
            if _is_known(job_id):
                return job_id
            logger.warning("Run %s was made by a newer release and waits for a newer worker.", job_id)
            self._passed_over.add(job_id)
        return None


def next_job(*, passed_over: Collection[uuid.UUID] = ()) -> uuid.UUID | None:
    """Return the id of the job whose turn it is, or None when nothing waits.

    Looks at the indexes of queued and running jobs and at the newest claim of each waiting owner.

    Parameters
    ----------
    passed_over : collection of UUID
        Jobs that this worker cannot do; they wait for another.
    """
    queued = Job.objects.queued().filter(kind=Kind.RUN)
    if not queued.exists():  # the usual answer, asked for ten times a second
        return None
    if passed_over:
        queued = queued.exclude(pk__in=passed_over)
    oldest = queued.filter(owner=OuterRef("owner")).order_by("queued", "id").values("pk")[:1]
    turn = (
        _owners(queued)
        .annotate(oldest=Subquery(oldest))
        .order_by("running", F("served").asc(nulls_first=True), "since", "oldest")
        .first()
    )
    return turn["oldest"] if turn else None


def position(job: Job) -> int:
    """Return how many jobs have their turn before `job`, which waits; 0 when it is next.

    That is the order in which the jobs would start if none came and none ended. The n-th waiting job of an owner with r
    running has its turn in round n + r; within a round, who was served longest ago is first. Runs do end, and not in order:
    the position is a good guess, not a promise.
    """
    since = Subquery(Job.objects.filter(pk=job.pk).values("queued"))  # in the database: its clock has its own precision
    own = Job.objects.queued().filter(owner=job.owner_id)
    before = own.filter(Q(queued__lt=since) | Q(queued=since, id__lt=job.pk)).count()
    owners = {row["owner"]: row for row in _owners(Job.objects.queued()).annotate(jobs=Count("id"))}
    me = owners.pop(job.owner_id, None)
    if me is None:  # claimed meanwhile
        return 0
    my_round = before + me["running"]
    others = (
        min(other["jobs"], max(0, my_round - other["running"] + _is_first(other, me))) for other in owners.values()
    )
    return before + int(sum(others))


def _owners(queued: QuerySet[Job]) -> QuerySet[Any, Any]:
    """Group by owner: since when the oldest waits, how many run, and when one was last claimed."""
    of_owner = Job.objects.filter(owner=OuterRef("owner")).order_by()
    running = of_owner.running().values("owner").values(number=Count("id"))
    served = of_owner.filter(claimed__isnull=False).order_by("-claimed").values("claimed")[:1]
    return (
        queued.order_by()
        .values("owner")
        .annotate(
            since=Min("queued"),
            running=Coalesce(Subquery(running), 0, output_field=IntegerField()),
            served=Subquery(served),
        )
    )


def _is_first(other: dict[str, Any], me: dict[str, Any]) -> bool:
    """Whether `other` comes first in the rounds that both take part in.

    Who has more running joins in a later round, and by then the one with fewer has just been served.
    """
    if other["running"] != me["running"]:
        return bool(other["running"] > me["running"])
    if other["served"] is None or me["served"] is None:
        return other["served"] is None and (me["served"] is not None or other["since"] < me["since"])
    return bool(other["served"] < me["served"])


def _is_known(job_id: uuid.UUID) -> bool:
    """Whether recipe and inputs have a schema that this release knows; a run that has just been deleted is as good as that."""
    found = Run.objects.filter(pk=job_id).values_list("recipe", "inputs").first()
    newest = recipes.SCHEMA, recipes.INPUTS_SCHEMA
    return found is None or not any(_is_newer(*each) for each in zip(found, newest, strict=True))


def _is_newer(mapping: Any, newest: int) -> bool:
    schema = mapping.get("schema") if isinstance(mapping, dict) else None
    return isinstance(schema, int) and schema > newest
