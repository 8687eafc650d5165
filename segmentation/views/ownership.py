"""Context of pages that offer changes to the owner and show the owner to staff."""

from typing import Any

from django.urls import reverse

from segmentation.http import SignedInRequest
from segmentation.models import Image, Run, User


def ownership(request: SignedInRequest, thing: Image | Run, *, owner: User) -> dict[str, Any]:
    """Return the context variables that say whether a page offers changes, and otherwise who the owner is.

    Staff change other people's images and runs in the administration, so the pages offer them no changes. Whether a request
    is allowed is decided by `access`.
    """
    is_own = owner.pk == request.user.pk
    name = thing._meta.model_name  # noqa: SLF001 - Django's public name
    return {
        "changeable": is_own,
        "deletable": is_own,
        "owner": None if is_own else owner,
        "administered": reverse(f"admin:segmentation_{name}_change", args=[thing.pk]),
    }
