"""Rows of the files in the cache: files that can be made again from an image or a run. The least recently used go first."""

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
"""Names of the files of tiles, from which single pixels are read. All other names are file names of artefacts."""

_USE_RECORDED_EVERY = timedelta(hours=1)


class CachedFileQuerySet(models.QuerySet["CachedFile"]):
    def visible_to(self, user: User) -> Self:
        """Return the files whose image and run `user` may see."""
        runs = Q(run=None) | Q(run__in=Run.objects.visible_to(user))
        return self.filter(runs, image__in=Image.objects.visible_to(user))

    def of(self, thing: Image | Run) -> Self:
        """Return the cached files of a run, or those of an image that belong to none of its runs."""
        return self.filter(image=thing, run=None) if isinstance(thing, Image) else self.filter(run=thing)

    def without_source(self) -> Self:
        """Return the rows whose image or run no longer exists.

        There are such rows when an older release, which does not know this table, deletes an image or run, or when the file was
        being made at that moment.
        """
        image, run = Image.objects.filter(pk=OuterRef("image")), Run.objects.filter(pk=OuterRef("run"))
        return self.filter(~Exists(image) | (~Q(run=None) & ~Exists(run)))

    def total_bytes(self) -> int:
        """Return the sum of the sizes of the files."""
        return int(self.aggregate(total=Sum("bytes", default=0))["total"])


class CachedFile(models.Model):
    """A file that can be made again from an image or a run; its storage key begins with `cache/<uuid>/`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraint in the database: a release that does not know this table must be able to delete images and runs.
    # Of a file of a run: the image of that run
    image = models.ForeignKey(Image, models.CASCADE, related_name="cached_files", db_constraint=False)
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="cached_files", db_constraint=False)
    name = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=0)  # number of the revision it was made from; only the newest is kept
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
        """Update the time of last use, at most once an hour, so that not every read becomes a write."""
        if self.used < timezone.now() - _USE_RECORDED_EVERY:
            CachedFile.objects.filter(pk=self.pk).update(used=Now())

    @property
    def key(self) -> str:
        return files.cache_key(self.pk, self.name)
