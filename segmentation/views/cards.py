"""Thumbnails of runs, as the start page, the page of an image and the history show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from segmentation import formatting, services
from segmentation.engine.legend import ClusterStatistics, foreground_share
from segmentation.engine.recipe import Recipe
from segmentation.forms import recipe_fields
from segmentation.models import Image, Run
from segmentation.models.jobs import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Thumbnail of a run, or of an image that has no run."""

    image: Image
    run: Run | None
    rows: Sequence[ClusterStatistics]  # one for each cluster; empty until the run has a result

    @property
    def foreground(self) -> float | None:
        """Share of the foreground, 0 to 1; None until there is a result."""
        return foreground_share(self.rows) if self.rows else None

    @property
    def n_clusters(self) -> int | None:
        """Number of clusters of the result, or, until there is one, the requested number."""
        if self.rows:
            return len(self.rows)
        return self.run.n_clusters if self.run else None

    @property
    def form_fields(self) -> dict[str, str]:
        """Fields of a form that runs the same recipe again."""
        return recipe_fields(self.run.recipe) if self.run else {}

    @property
    def clusters(self) -> str:
        """Number of clusters as text, for example "5 clusters"."""
        if self.run is None:
            return _("No run yet")
        return formatting.cluster_count(self.n_clusters, regions=self.run.has_regions)

    @property
    def special(self) -> str:
        """Short description of the settings that differ from the defaults; it distinguishes the runs of one image."""
        if self.run is None or self.run.has_regions:
            return ""
        defaults, recipe = Recipe().to_mapping(), self.run.recipe
        return ", ".join(
            formatting.short_setting(name, recipe[name])
            for name in formatting.SETTING_TITLES
            if name not in {"preset", "n_clusters"} and recipe.get(name, defaults[name]) != defaults[name]
        )


def cards(runs: Iterable[Run]) -> list[Card]:
    """Return the cards of runs that were fetched with `for_lists`, without those that were deleted meanwhile.

    It needs no query for each run.
    """
    return [Card(image=run.image, run=run, rows=_rows(run)) for run in runs if not run.was_deleted]


def _rows(run: Run) -> Sequence[ClusterStatistics]:
    return services.stored_result(run=run).clusters if run.job.state == State.SUCCEEDED else []
