"""Runs as thumbnails: what the start page, an image's page and the history show of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from segmentation import formatting, services
from segmentation.engine.legend import ClusterStatistics, foreground_share
from segmentation.engine.recipe import Recipe
from segmentation.forms import written
from segmentation.models import Image, Run
from segmentation.models.jobs import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One run as a thumbnail; of an image that has no run, the image itself."""

    image: Image
    run: Run | None
    rows: Sequence[ClusterStatistics]  # of its clusters; empty until the run has a result

    @property
    def foreground(self) -> float | None:
        """The share of the foreground, 0 to 1; None until there is a result."""
        return foreground_share(self.rows) if self.rows else None

    @property
    def n_clusters(self) -> int | None:
        """How many clusters were found, or until then how many were asked for."""
        if self.rows:
            return len(self.rows)
        return self.run.n_clusters if self.run else None

    @property
    def settings(self) -> dict[str, str]:
        """What a form sends to run the same once more."""
        return written(self.run.recipe) if self.run else {}

    @property
    def clusters(self) -> str:
        """The number of clusters in words."""
        if self.run is None:
            return _("No run yet")
        return formatting.cluster_count(self.n_clusters, regions=self.run.has_regions)

    @property
    def special(self) -> str:
        """The settings of the run that are not the default, in a few words: what tells it from another run."""
        if self.run is None or self.run.has_regions:
            return ""
        usual, recipe = Recipe().to_mapping(), self.run.recipe
        return ", ".join(
            formatting.short_setting(name, recipe[name])
            for name in formatting.SETTING_TITLES
            if name not in {"preset", "n_clusters"} and recipe.get(name, usual[name]) != usual[name]
        )


def cards(runs: Iterable[Run]) -> list[Card]:
    """Return the cards of runs that were fetched with `for_lists`; without a query for each."""
    return [Card(image=run.image, run=run, rows=_rows(run)) for run in runs]


def _rows(run: Run) -> Sequence[ClusterStatistics]:
    return services.stored_result(run=run).clusters if run.job.state == State.SUCCEEDED else []
