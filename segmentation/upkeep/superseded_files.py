"""Find files in the cache that are no longer used."""

from django.db.models import F, Q

from segmentation.engine.artefacts import ARTEFACTS
from segmentation.models import CachedFile
from segmentation.models.cached_files import PICTURE_TILES, RESULT_TILES, CachedFileQuerySet


def superseded() -> CachedFileQuerySet:
    """Return the cached files of earlier revisions, and those that this release does not make."""
    known = Q(name__in=(PICTURE_TILES, RESULT_TILES))
    for artefact in ARTEFACTS.values():
        known |= Q(name__regex=artefact.file_pattern)
    of_earlier = ~Q(run=None) & ~Q(version__in=(0, F("run__revision")))
    return CachedFile.objects.filter(~known | of_earlier)
