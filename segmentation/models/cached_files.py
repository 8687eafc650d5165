"""Files that can be made again. Their rows say what makes room for what."""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from segmentation import files
from segmentation.models.images import Image
from segmentation.models.runs import Run
from segmentation.models.users import User

PICTURE_TILES, RESULT_TILES = "picture.tiles", "result.tiles"
"""Names of files of tiles, from which single pixels are read. All other names are those of artefacts."""

_USE_NOTED_EVERY = timedelta(hours=1)


class CachedFileQuerySet(models.QuerySet["CachedFile"]):
    def visible_to(self, user: User) -> Self:
        """Return the files whose image and run `user` may see."""
        runs = Q(run=None) | Q(run__in=Run.objects.visible_to(user))
        return self.filter(runs, image__in=Image.objects.visible_to(user))

    def of(self, thing: Image | Run) -> Self:
        """Return what was made of an image itself, or of a run."""
        return self.filter(image=thing, run=None) if isinstance(thing, Image) else self.filter(run=thing)

    def without_source(self) -> Self:
        """Return what is left of images and runs that were deleted while somebody made it, or by an older release."""
        image, run = Image.objects.filter(pk=OuterRef("image")), Run.objects.filter(pk=OuterRef("run"))
        return self.filter(~Exists(image) | (~Q(run=None) & ~Exists(run)))

    def total_bytes(self) -> int:
        return int(self.aggregate(total=Sum("bytes", default=0))["total"])


class CachedFile(models.Model):
    """A file that can be made again from an image or a run; it stands under `cache/<uuid>/`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without constraints in the database: a release that does not know this table can delete images and runs beside it.
    image = models.ForeignKey(
        Image, models.CASCADE, related_name="cached_files", db_constraint=False
    )  # of a run: the run's
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="cached_files", db_constraint=False)
    name = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=0)  # of what it was made from; only one version is kept
    bytes = models.PositiveBigIntegerField(_("size"))
    used = models.DateTimeField(_("last used"), db_default=Now(), db_index=True)
    created = models.DateTimeField(_("made"), db_default=Now())

    objects = CachedFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("cached file")
        verbose_name_plural = _("cached files")
        constraints = (
            models.UniqueConstraint(fields=("image", "name"), condition=Q(run=None), name="cached_of_image"),
            models.UniqueConstraint(fields=("run", "name"), condition=~Q(run=None), name="cached_of_run"),
        )

    def __str__(self) -> str:
        return self.name

    def note_use(self) -> None:
        """Note that the file is used; once an hour at most, so that reading is not a write each time."""
        if self.used < timezone.now() - _USE_NOTED_EVERY:
            CachedFile.objects.filter(pk=self.pk).update(used=Now())

    @property
    def key(self) -> str:
        return files.cache_key(self.pk, self.name)
