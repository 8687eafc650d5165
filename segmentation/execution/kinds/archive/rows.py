"""The rows of a person as lines of JSON: the account, then each picture followed by its runs.

They are read in batches, in the order of their keys, so that no database cursor stays open between batches.
"""

import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, QuerySet

from segmentation.models import Image, Job, Result, Revision, Run, User

_PICTURES, _RUNS = 100, 10  # rows in a batch; rows of runs are large


def rows_of(owner_id: int) -> Iterator[bytes]:
    """Yield everything that is stored about a person, except for password and sessions; nothing if they were deleted."""
    user = User.objects.filter(pk=owner_id).first()
    if user is None:
        return
    yield _line(account=_account(user))
    for picture in _by_key(Image.objects.filter(owner=owner_id), _PICTURES):
        yield _line(picture=_picture(picture))
        for run in _by_key(_runs_of(picture), _RUNS):
            yield _line(run=_run(run))


def _by_key(rows: QuerySet[Any], number: int) -> Iterator[Any]:
    rows, last = rows.order_by("pk"), None
    while chunk := list((rows if last is None else rows.filter(pk__gt=last))[:number]):
        yield from chunk
        last = chunk[-1].pk


def _runs_of(picture: Image) -> QuerySet[Run]:
    revisions = Prefetch("revisions", queryset=Revision.objects.order_by("number"))
    return Run.objects.filter(image=picture).select_related("job", "result").prefetch_related(revisions)


def _account(user: User) -> dict[str, Any]:
    addresses = user.emailaddress_set.order_by("pk") if hasattr(user, "emailaddress_set") else ()
    return {
        "id": user.pk,
        "user_name": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "email_addresses": [
            {"email": one.email, "verified": one.verified, "primary": one.primary} for one in addresses
        ],
        "joined": user.date_joined,
        "last_signed_in": user.last_login,
        "is_staff": user.is_staff,
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
    }


def _picture(picture: Image) -> dict[str, Any]:
    plain = (
        "name", "sha256", "bytes", "format", "width", "height", "bands", "dtype", "frames", "notices", "metadata",
        "masks", "created", "trashed", "reading", "pixel_size",
    )  # fmt: skip
    return {"id": picture.pk, **{name: getattr(picture, name) for name in plain}}


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "parent": run.parent_id,
        "recipe": run.recipe,
        "inputs": run.inputs,
        "revision": run.revision,
        "job": _job(run.job),
        "result": _result(run),
        "legends": [
            {
                "number": revision.number,
                "parent": revision.parent_id and _number(run, revision.parent_id),
                "legend": revision.legend,
                "cleaning": revision.cleaning,
                "created": revision.created,
            }
            for revision in run.revisions.all()
        ],
    }


def _number(run: Run, revision_id: int) -> int | None:
    return next((one.number for one in run.revisions.all() if one.pk == revision_id), None)


def _job(job: Job) -> dict[str, Any]:
    plain = ("state", "created", "started", "finished", "error_code", "error_detail")
    return {name: getattr(job, name) for name in plain}


def _result(run: Run) -> dict[str, Any] | None:
    result: Result | None = getattr(run, "result", None)
    if result is None:
        return None
    plain = (
        "files", "pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "extras", "mixture",
        "components", "versions",
    )  # fmt: skip
    return {name: getattr(result, name) for name in plain}


def _line(**row: Any) -> bytes:
    return json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"
