"""What one person may store and run at a time. Checked under a lock on the person's row, so that two tabs cannot pass it."""

from django.conf import settings
from django.db.models import Count, Sum

from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import QuotaExceeded
from segmentation.models import Image, Job, User


def require_room_for(*, owner: User, size: int) -> None:
    """Require that `owner` may store another image of `size` bytes; call inside a transaction.

    Raises
    ------
    QuotaExceeded
        With `quota_images` or `quota_bytes`.
    """
    _lock(owner)
    used = Image.objects.filter(owner=owner).aggregate(count=Count("pk"), size=Sum("bytes", default=0))
    if used["count"] >= settings.GMM_QUOTA_IMAGES:
        raise QuotaExceeded(
            "quota_images",
            gettext_noop("You have %(count)s pictures, as many as this site keeps for one person. Delete some first."),
            count=used["count"],
        )
    if used["size"] + size > settings.GMM_QUOTA_BYTES:
        raise QuotaExceeded(
            "quota_bytes",
            gettext_noop("Your pictures take %(used)s MB of %(limit)s MB. Delete some first."),
            used=round(used["size"] / 1e6),
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


def _lock(owner: User) -> None:
    User.objects.select_for_update().get(pk=owner.pk)
