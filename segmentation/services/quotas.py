"""Quotas: how much one person may store, and how many runs they may have at a time.

They are checked under a lock on the person's row, so that simultaneous requests cannot exceed them. All stored files count:
originals, their renditions, masks, and the files of results. Files in the cache do not; the cache has its own limit
(`services.caching`). Waiting and running runs count with the largest size that their results can have.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import QuotaExceeded
from segmentation.models import Image, Job, Result, Run, User
from segmentation.models.jobs import JobKind

_RESULT_BYTES = 1_000_000  # upper bound of the part of a result that does not grow with the picture
_RESULT_BYTES_PER_PIXEL = 2  # upper bound for component map and binary picture together


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one person has stored, and their limits."""

    images: int
    runs: int
    bytes: int
    most_images: int
    most_bytes: int


def usage(*, owner: User) -> Usage:
    """Return what `owner` has stored, and the limits."""
    return Usage(
        images=Image.objects.filter(owner=owner).count(),
        runs=Run.objects.owned_by(owner).count(),
        bytes=_stored_bytes(owner),
        most_images=settings.GMM_QUOTA_IMAGES,
        most_bytes=settings.GMM_QUOTA_BYTES,
    )


def stored_bytes(owner: User | OuterRef) -> Any:
    """Return a query expression for the bytes of everything that is stored for a person, trashed images included."""
    return _of_images(owner=owner) + _of_runs(job__owner=owner)


def image_bytes(*, image: Image) -> int:
    """Return the bytes of everything that is stored for an image and its runs."""
    expression = _of_images(pk=image.pk) + _of_runs(image=image.pk)
    return int(Image.objects.filter(pk=image.pk).values_list(expression, flat=True).get())


def require_room_for_image(*, owner: User, size: int) -> None:
    """Require that `owner` may store another image whose files take `size` bytes; call inside a transaction.

    Raises
    ------
    QuotaExceeded
        With `quota_images` or `quota_bytes`.
    """
    lock(owner)
    count = Image.objects.filter(owner=owner).count()
    if count >= settings.GMM_QUOTA_IMAGES:
        raise QuotaExceeded(
            "quota_images",
            gettext_noop("You have reached the limit of pictures (%(count)s). Delete some first."),
            count=count,
        )
    require_room(owner=owner, size=size)


def require_room(*, owner: User, size: int) -> None:
    """Require that `owner`, whose row is locked, may store `size` bytes more.

    Raises
    ------
    QuotaExceeded
        With `quota_bytes`.
    """
    stored = _stored_bytes(owner)
    reserved = _reserved_bytes(owner)
    if stored + reserved + size <= settings.GMM_QUOTA_BYTES:
        return
    values = {"used": round(stored / 1e6), "limit": round(settings.GMM_QUOTA_BYTES / 1e6), "needed": _megabytes(size)}
    if reserved:
        raise QuotaExceeded(
            "quota_bytes",
            gettext_noop(
                "This may take %(needed)s MB. Your pictures and results take %(used)s MB of %(limit)s MB, and your waiting runs "
                "up to %(reserved)s MB. Wait for them, or delete some first."
            ),
            reserved=_megabytes(reserved),
            **values,
        )
    raise QuotaExceeded(
        "quota_bytes",
        gettext_noop(
            "This may take %(needed)s MB. Your pictures and results take %(used)s MB of %(limit)s MB. Delete some first."
        ),
        **values,
    )


def require_room_for_run(*, image: Image, inputs_bytes: int) -> None:
    """Require that the owner of `image` may start another run on it, and keep its result; call inside a transaction.

    Raises
    ------
    QuotaExceeded
        With `quota_runs` or `quota_bytes`.
    """
    owner = image.owner
    lock(owner)
    if Job.objects.active().of_kinds([JobKind.RUN]).filter(owner=owner).count() >= settings.GMM_QUOTA_ACTIVE_RUNS:
        raise QuotaExceeded(
            "quota_runs",
            gettext_noop(
                "You have reached the limit of waiting and active runs (%(limit)s). Wait until some have finished."
            ),
            limit=settings.GMM_QUOTA_ACTIVE_RUNS,
        )
    require_room(owner=owner, size=inputs_bytes + most_result_bytes(pixels=image.width * image.height))


def most_result_bytes(*, pixels: int) -> int:
    """Return the most bytes that the result of a picture takes."""
    return _RESULT_BYTES + _RESULT_BYTES_PER_PIXEL * pixels


def lock(owner: User) -> None:
    """Lock the row of `owner` until the end of the transaction, so that no other request stores anything for them."""
    User.objects.select_for_update().get(pk=owner.pk)


def _stored_bytes(owner: User) -> int:
    return int(User.objects.filter(pk=owner.pk).values_list(stored_bytes(owner), flat=True).get())


def _reserved_bytes(owner: User) -> int:
    """Return the most that the results of a person's waiting and running runs will take."""
    active = Q(job__owner=owner, job__in=Job.objects.active())
    found = Run.objects.filter(active).aggregate(
        n=Count("pk"), pixels=Sum(F("image__width") * F("image__height"), default=0)
    )
    return int(_RESULT_BYTES * found["n"] + _RESULT_BYTES_PER_PIXEL * found["pixels"])


def _of_images(**of: Any) -> Any:
    # For images of an older release only the size of the original is known, until a periodic task has set `stored_bytes`.
    return _total(Image.objects.filter(**of), Coalesce("stored_bytes", "bytes"))


def _of_runs(**of: Any) -> Any:
    in_results = {f"run__{field}": value for field, value in of.items()}
    return _total(Run.objects.filter(**of), F("inputs_bytes")) + _total(Result.objects.filter(**in_results), F("bytes"))


def _total(rows: QuerySet[Any], size: Any) -> Any:
    """Return a query expression for the sum of a column over `rows`; 0 when there are none."""
    grouped = rows.order_by().annotate(all_of_them=Value(1)).values("all_of_them").annotate(total=Sum(size))
    return Coalesce(Subquery(grouped.values("total"), output_field=BigIntegerField()), 0)


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)
