"""What a page offers to whom: changes to the owner, and to staff who it belongs to."""

from typing import Any

from django.urls import reverse

from segmentation.http import SignedInRequest
from segmentation.models import Image, Run, User


def ownership(request: SignedInRequest, thing: Image | Run, *, owner: User) -> dict[str, Any]:
    """Return for the context of a page whether it offers changes, and else whose the thing is.

    Staff change what is somebody else's in the administration, where they see that it is. A form that is sent all the same is
    decided by `access`.
    """
    is_own = owner.pk == request.user.pk
    name = thing._meta.model_name  # noqa: SLF001 - Django's public name
    return {
        "changeable": is_own,
        "deletable": is_own,
        "owner": None if is_own else owner,
        "administered": reverse(f"admin:segmentation_{name}_change", args=[thing.pk]),
    }
