"""Files in the Download menu of a finished run."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from segmentation import services
from segmentation.engine.legend import ClusterStatistics
from segmentation.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Link to one file."""

    title: str
    kind: str  # the format, as in "PNG"
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskDownload:
    """Link to the mask of one cluster."""

    cluster: ClusterStatistics
    label: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """All links of the menu."""

    files: list[Download]
    masks: list[MaskDownload]


def downloads(run: Run, clusters: Sequence[ClusterStatistics]) -> Downloads:
    """Return the links of the menu: standard files first, then files that take longer to make, then masks."""
    offered = [artefact for artefact in services.available_artefacts(run=run) if artefact.is_offered]
    offered.sort(key=lambda artefact: (not artefact.is_standard, _(artefact.title)))
    label = _("Mask of region %(n)s") if run.has_regions else _("Mask of cluster %(n)s")
    return Downloads(
        files=[
            Download(
                title=_(artefact.title),
                kind=artefact.extension.upper(),
                address=f"{reverse(f'run-{artefact.name}', args=[run.pk])}?download=1",
            )
            for artefact in offered
        ],
        masks=[
            MaskDownload(
                cluster=cluster,
                label=label % {"n": cluster.number},
                address=f"{reverse('run-cluster-mask', args=[run.pk, cluster.number])}?download=1",
            )
            for cluster in clusters
        ],
    )
