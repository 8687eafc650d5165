import uuid
from dataclasses import replace
from typing import Self

import numpy as np
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from segmentation import access, files
from segmentation.engine.imaging import FileDescription, Limits
from segmentation.engine.imaging.formats import name_of_file
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.recipe import Reading
from segmentation.models.users import User


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the images that `user` may see: their own, and all for staff who may view images."""
        return access.visible(self.filter(trashed=None), user=user)

    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Return the images that `user` owns, for their own lists."""
        return self.filter(owner=user.pk, trashed=None)


class Image(models.Model):
    """An uploaded picture. The storage keys of its files begin with `images/<uuid>/`."""

    OWNER = "owner"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="images", db_index=False)
    name = models.CharField(_("name"), max_length=255)  # as uploaded; only for display and for the names of downloads
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField(_("size"))
    format = models.CharField(_("format"), max_length=8)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    bands = models.PositiveSmallIntegerField(_("bands"))  # as stored in the file
    # Number of values a pixel that are fitted; null: uploaded to an older release
    fitted_bands = models.PositiveSmallIntegerField(null=True)
    dtype = models.CharField(_("number type"), max_length=16)
    frames = models.PositiveIntegerField(_("frames"), default=1)
    notices = models.JSONField(_("notices"), default=list)  # what was reduced, converted or ignored
    metadata = models.JSONField(_("metadata"), default=dict)
    display_type = models.CharField(max_length=32)  # media types of the two renditions made at upload
    thumbnail_type = models.CharField(max_length=32)
    created = models.DateTimeField(_("uploaded"), default=timezone.now)
    stored_bytes = models.PositiveBigIntegerField(null=True)  # of all its files; null: not known yet (older release)
    reading = models.JSONField(null=True)  # what a person decided about the reading of the file; null: nothing
    pixel_size = models.JSONField(null=True)  # that a person has given; null: as the file says
    renditions = models.PositiveIntegerField(
        null=True
    )  # number of the pair of renditions, in their keys; null: the first
    masks = models.JSONField(null=True)  # uploaded masks that wait for a run: SHA-256 -> bytes; null: none
    trashed = models.DateTimeField(null=True, editable=False)

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        indexes = (
            models.Index(fields=("owner", "-created", "-id"), name="image_of_owner"),
            models.Index(fields=("owner", "sha256"), name="image_same_bytes"),
            models.Index(fields=("-created", "-id"), name="image_newest"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("image", args=[self.pk])

    @property
    def limits(self) -> Limits:
        """The limits for decoding the stored original: those of the settings, but never below the size of the original.

        So a picture that was admitted at upload can still be decoded after an administrator has lowered the limits. The
        exception is HEIC: where it is switched off, its codec may not be installed.
        """
        pixels = self.width * self.height
        return Limits(
            bytes=max(self.bytes, settings.GMM_MAX_UPLOAD_BYTES),
            pixels=max(pixels, settings.GMM_MAX_PIXELS),
            decoded_bytes=max(pixels * self.bands * np.dtype(self.dtype).itemsize, settings.GMM_MAX_DECODED_BYTES),
            heic=settings.GMM_HEIC,
        )

    @property
    def parsed_reading(self) -> Reading:
        """What a person decided about the reading of the file, for runs and renditions to come."""
        return Reading.from_mapping(self.reading or {})

    @property
    def description(self) -> FileDescription:
        """What the file contains besides pixels as it is read now, with the size of a pixel that a person has given."""
        return self.with_pixel_size(FileDescription.from_mapping(self.metadata))

    def with_pixel_size(self, description: FileDescription) -> FileDescription:
        """Return a description of the file with the size of a pixel that a person has given, if there is one."""
        return (
            description
            if self.pixel_size is None
            else replace(description, pixel_size=PixelSize.from_mapping(self.pixel_size))
        )

    def rendition_key(self, name: str) -> str:
        """Return the key of a rendition, `display` or `thumbnail`."""
        return files.rendition_key(self.pk, name, self.renditions)

    @property
    def is_readable(self) -> bool:
        """Whether the stored original can be decoded: not if it is HEIC and HEIC is switched off."""
        return self.format != "HEIF" or settings.GMM_HEIC

    @property
    def download_name(self) -> str:
        """The name as uploaded; one that ends as a page or a script does gets the extension of its format."""
        return name_of_file(self.name, self.format)

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6
