"""What one person may store and run at a time. Checked under a lock on the person's row, so that two tabs cannot pass it."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Sum

from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import QuotaExceeded
from segmentation.models import Image, Job, Run, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one person has stored, and what they may store."""

    images: int
    runs: int
    bytes: int
    most_images: int
    most_bytes: int


def usage(*, owner: User) -> Usage:
    """Return how much of the site `owner` uses."""
    images, size = _stored(owner)
    return Usage(
        images=images,
        runs=Run.objects.owned_by(owner).count(),
        bytes=size,
        most_images=settings.GMM_QUOTA_IMAGES,
        most_bytes=settings.GMM_QUOTA_BYTES,
    )


def require_room_for(*, owner: User, size: int) -> None:
    """Require that `owner` may store another image of `size` bytes; call inside a transaction.

    Raises
    ------
    QuotaExceeded
        With `quota_images` or `quota_bytes`.
    """
    _lock(owner)
    count, stored = _stored(owner)
    if count >= settings.GMM_QUOTA_IMAGES:
        raise QuotaExceeded(
            "quota_images",
            gettext_noop("You have %(count)s pictures, as many as this site keeps for one person. Delete some first."),
            count=count,
        )
    if stored + size > settings.GMM_QUOTA_BYTES:
        raise QuotaExceeded(
            "quota_bytes",
            gettext_noop("Your pictures take %(used)s MB of %(limit)s MB. Delete some first."),
            used=round(stored / 1e6),
            limit=round(settings.GMM_QUOTA_BYTES / 1e6),
        )


def require_free_run(*, owner: User) -> None:
    """Require that `owner` may start another run; call inside a transaction.

    Raises
    ------
    QuotaExceeded
        With `quota_runs`.
    """
    _lock(owner)
    if Job.objects.active().filter(owner=owner).count() >= settings.GMM_QUOTA_ACTIVE_RUNS:
        raise QuotaExceeded(
            "quota_runs",
            gettext_noop("%(limit)s of your runs are waiting or running. Wait until some have finished."),
            limit=settings.GMM_QUOTA_ACTIVE_RUNS,
        )


def _stored(owner: User) -> tuple[int, int]:
    """How many pictures, and how many bytes they take; those in the trash included, since they still take them."""
    found = Image.objects.filter(owner=owner).aggregate(count=Count("pk"), size=Sum("bytes", default=0))
    return found["count"], found["size"]


def _lock(owner: User) -> None:
    User.objects.select_for_update().get(pk=owner.pk)
