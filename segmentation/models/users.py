from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from segmentation import user_names


class User(AbstractUser):
    """A person with an account."""

    # Equal for user names that look the same (see `user_names.skeleton`); "" for accounts that an older release has made.
    skeleton = models.CharField(
        max_length=user_names.LONGEST_SKELETON, editable=False, db_index=True, default="", db_default=""
    )

    class Meta(AbstractUser.Meta):
        pass

    def save(self, *args: Any, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        if fields is None or "username" in fields:
            self.skeleton = user_names.skeleton(self.username)
            if fields is not None:
                kwargs["update_fields"] = {*fields, "skeleton"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Refuse a new user name that mixes scripts, or looks the same as that of another account."""
        super().clean()
        if not self.username:
            return  # the validation of the field reports it
        others = User.objects.exclude(pk=self.pk)
        if User.objects.filter(pk=self.pk, username=self.username).exists():
            return  # unchanged
        if user_names.mixes_scripts(self.username):
            raise ValidationError({"username": _("This name mixes letters of several scripts. Use those of one.")})
        if others.filter(skeleton=user_names.skeleton(self.username)).exists():
            raise ValidationError({"username": _("A name that looks the same is already taken. Choose another one.")})
