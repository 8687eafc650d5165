"""What people see of a result and change on it: the clusters, their measures, the foreground."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm import Component
from segmentation.engine.imaging import palettes
from segmentation.engine.legend import Legend, measures
from segmentation.exceptions import Conflict
from segmentation.models import Revision, Run, User


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """One line of the table of clusters."""

    index: int
    name: str
    colour: str  # as shown, "#rrggbb"
    mean_colour: str
    separated_colour: str
    foreground: bool
    components: tuple[int, ...]
    pixels: int
    share: float  # of the pixels with data, 0 to 1

    @property
    def number(self) -> int:
        """The number that people see."""
        return self.index + 1


def cluster_rows(*, run: Run) -> list[ClusterRow]:
    """Return the clusters of the run's current revision, in order; of a run with a result."""
    legend = Legend.from_mapping(run.current_revision.legend)
    components = [Component.from_mapping(mapping) for mapping in run.result.components]
    separated = palettes.separated(len(legend.clusters))
    return [
        ClusterRow(
            index=index,
            name=cluster.name,
            colour=cluster.colour,
            mean_colour=measure.mean_colour,
            separated_colour=separated[index],
            foreground=cluster.foreground,
            components=cluster.components,
            pixels=measure.pixels,
            share=measure.share,
        )
        for index, (cluster, measure) in enumerate(zip(legend.clusters, measures(legend, components), strict=True))
    ]


def foreground_share(*, rows: list[ClusterRow]) -> float:
    """Return the share of the foreground among the pixels with data, 0 to 1."""
    return sum(row.share for row in rows if row.foreground)


@transaction.atomic
def edit_legend(*, run: Run, author: User, expected: int, foreground: Mapping[int, bool]) -> Revision:
    """Set which clusters belong to the foreground, as a new revision.

    Parameters
    ----------
    expected : int
        The number of the revision that the author has seen.
    foreground : mapping of cluster index to bool
        Clusters that are not named keep what they have.

    Raises
    ------
    Conflict
        With `revision_conflict` when somebody has changed the legend meanwhile, with `state_conflict` when the run has
        no result yet.
    SegmentationError
        With `invalid_request` for a cluster that does not exist.
    """
    if not run.succeeded:
        raise Conflict("state_conflict", gettext_noop("This run has no result yet."))
    if not Run.objects.filter(pk=run.pk, revision=expected).update(revision=expected + 1):
        raise Conflict(
            "revision_conflict",
            gettext_noop("This result was changed in another window. The page now shows the newest state."),
        )
    parent = run.revisions.get(number=expected)
    legend = Legend.from_mapping(parent.legend)
    for index, belongs in foreground.items():
        legend = legend.with_foreground(index, belongs)
    run.revision = expected + 1
    return Revision.objects.create(
        run=run, number=run.revision, parent=parent, legend=legend.to_mapping(), author=author
    )
