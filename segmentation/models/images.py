import uuid
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from segmentation.models.users import User


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the images that `user` may see: their own, and all for staff who may view images."""
        images = self.filter(trashed=None)
        if not user.is_active:
            return images.none()
        if user.is_staff and user.has_perm("segmentation.view_image"):
            return images
        return images.filter(owner=user.pk)

    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Return the images of a person's own lists."""
        return self.filter(owner=user.pk, trashed=None)


class Image(models.Model):
    """An uploaded picture; its files stand under `images/<uuid>/`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="images", db_index=False)
    name = models.CharField(_("name"), max_length=255)  # as uploaded; for display and for names of downloads only
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField(_("size"))
    format = models.CharField(_("format"), max_length=8)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    bands = models.PositiveSmallIntegerField(_("bands"))
    dtype = models.CharField(_("number type"), max_length=16)
    frames = models.PositiveIntegerField(_("frames"), default=1)
    notices = models.JSONField(_("notices"), default=list)  # what was reduced, converted or ignored
    metadata = models.JSONField(_("metadata"), default=dict)
    display_type = models.CharField(max_length=32)  # media types of the two renditions made at upload
    thumbnail_type = models.CharField(max_length=32)
    created = models.DateTimeField(_("uploaded"), default=timezone.now)
    stored_bytes = models.PositiveBigIntegerField(
        null=True
    )  # of all its files; null: of an older release, to be measured
    masks = models.JSONField(null=True)  # uploaded and not yet swept: SHA-256 -> bytes; null: none
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
    def megapixels(self) -> float:
        return self.width * self.height / 1e6
