"""What goes when something is deleted, in numbers: Django's own list loads and names every single row."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from segmentation.models import Image, Run

Deleted = tuple[list[str], dict[str, int], set[str], list[str]]
"""Names, numbers by kind, kinds that the person may not delete, and what is protected: `ModelAdmin.get_deleted_objects`."""

_NAMED = 25


def names(things: Iterable[Model]) -> list[str]:
    """Return the names of the first few things, and how many others there are."""
    found = [str(thing) for thing in things]
    more = len(found) - _NAMED
    return found[:_NAMED] + ([_("and %(n)s more") % {"n": more}] if more > 0 else [])


def counts(**by_kind: tuple[type[Model], int]) -> dict[str, int]:
    """Return the numbers under the names of their kinds; what there is none of is left out."""
    return {str(kind._meta.verbose_name_plural): count for kind, count in by_kind.values() if count}  # noqa: SLF001 - Django's public name


def lacking(request: HttpRequest, *, images: int, runs: int) -> set[str]:
    """Return the kinds of which something would go, although the person may not delete it."""
    kinds: list[tuple[type[Any], str, int]] = [
        (Image, "segmentation.delete_image", images),
        (Run, "segmentation.delete_run", runs),
    ]
    return {
        str(kind._meta.verbose_name)  # noqa: SLF001 - Django's public name
        for kind, permission, count in kinds
        if count and not request.user.has_perm(permission)
    }
