"""Edit the legend of a result: choose the foreground, merge clusters, undo."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm import Component
from segmentation.engine.legend import DEFAULT_NAME, ClusterStatistics, Legend, cluster_statistics
from segmentation.exceptions import Conflict, NotFound
from segmentation.models import Revision, Run, User
from segmentation.services.audit import record


def cluster_name(*, cluster: ClusterStatistics) -> str:
    """Return the name of a cluster; default names are translated into the active language."""
    number = cluster.default_number
    return cluster.name if number is None else _(DEFAULT_NAME) % {"number": number}


@transaction.atomic
def edit_legend(
    *,
    run: Run,
    author: User,
    expected: int,
    foreground: Mapping[int, bool] | None = None,
    merge: tuple[int, int] | None = None,
) -> Revision:
    """Set which clusters belong to the foreground, and merge two clusters after that, as one new revision.

    Nothing is fitted again: the pixels of a merged cluster are those of all its components.

    Parameters
    ----------
    expected : int
        The number of the revision that was shown to the author.
    foreground : mapping of cluster index to bool
        Clusters that are not in the mapping are unchanged.
    merge : two cluster indices
        The second is merged into the first, which keeps its name and position. If both have their mean colours, the merged
        cluster gets the mean colour of both; otherwise it keeps the colour of the first.

    Raises
    ------
    Conflict
        With `revision_conflict` when `expected` is no longer the current revision, with `state_conflict` when the run has
        no result yet.
    NotFound
        When the run was deleted meanwhile.
    SegmentationError
        With `invalid_request` for a cluster that does not exist, or when a cluster is to be merged with itself.
    """
    number = _next_number(run, expected)
    parent = run.revisions.get(number=expected)
    legend = Legend.from_mapping(parent.legend)
    for index, belongs in (foreground or {}).items():
        legend = legend.with_foreground(index, belongs)
    if merge is not None:
        legend = _merged(legend, run, *merge)
    record(actor=author, thing=run, what=_("Legend changed."))
    return Revision.objects.create(run=run, number=number, parent=parent, legend=legend.to_mapping(), author=author)


@transaction.atomic
def undo_legend(*, run: Run, expected: int, actor: User | None = None) -> Revision:
    """Return to the parent of the current revision. The current revision stays in the database.

    Parameters
    ----------
    expected : int
        The number of the revision that was shown to the person.
    actor : User or None
        Who undoes it, for the log; None: the run's owner.

    Raises
    ------
    Conflict
        As of `edit_legend`; and with `state_conflict` when there is nothing to undo.
    """
    _require_result(run)
    parent = Revision.objects.filter(children__run=run, children__number=expected).first()
    if parent is None:
        if run.revision != expected:
            raise _changed_meanwhile()
        raise Conflict("state_conflict", gettext_noop("There is nothing to undo: this is the result as it was made."))
    _set_revision(run, expected, parent.number)
    record(actor=actor, thing=run, what=_("Change of the legend undone."))
    return parent


def _next_number(run: Run, expected: int) -> int:
    """Set the run's current revision to a new number, one above all numbers so far, and return it."""
    _require_result(run)
    last = run.revisions.aggregate(last=Max("number"))["last"]
    if last is None:
        raise NotFound
    _set_revision(run, expected, last + 1)
    return int(last) + 1


def _set_revision(run: Run, expected: int, number: int) -> None:
    if not Run.objects.filter(pk=run.pk, revision=expected).update(revision=number):
        raise _changed_meanwhile()
    run.revision = number


def _require_result(run: Run) -> None:
    if not run.succeeded:
        raise Conflict("state_conflict", gettext_noop("This run has no result yet."))


def _changed_meanwhile() -> Conflict:
    return Conflict(
        "revision_conflict",
        gettext_noop("This result was changed in another window. The page now shows the newest state."),
    )


def _merged(legend: Legend, run: Run, index: int, other: int) -> Legend:
    components = [Component.from_mapping(mapping) for mapping in run.result.components]
    merged = legend.merged(index, other)
    before = cluster_statistics(legend, components)
    if any(legend.clusters[k].colour != before[k].mean_colour for k in (index, other)):
        return merged
    position = index - (other < index)
    return merged.with_colour(position, cluster_statistics(merged, components)[position].mean_colour)
