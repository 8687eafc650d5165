"""Summary of what a deletion removes. Django's own list loads and names every row, which takes too long."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from segmentation.models import Image, Run

DeletedObjects = tuple[list[str], dict[str, int], set[str], list[str]]
"""Result of `ModelAdmin.get_deleted_objects`: names, counts by model, models without permission, protected objects."""

_NAMED = 25


def names(things: Iterable[Model]) -> list[str]:
    """Return the names of the first 25 objects and the number of the others."""
    found = [str(thing) for thing in things]
    more = len(found) - _NAMED
    return found[:_NAMED] + ([_("and %(n)s more") % {"n": more}] if more > 0 else [])


def counts(**by_kind: tuple[type[Model], int]) -> dict[str, int]:
    """Return the counts by the plural name of the model, without those that are 0."""
    return {str(kind._meta.verbose_name_plural): count for kind, count in by_kind.values() if count}  # noqa: SLF001 - Django's public name


def lacking(request: HttpRequest, *, images: int, runs: int) -> set[str]:
    """Return the names of the models of which objects would be deleted, but which the person may not delete."""
    kinds: list[tuple[type[Any], str, int]] = [
        (Image, "segmentation.delete_image", images),
        (Run, "segmentation.delete_run", runs),
    ]
    return {
        str(kind._meta.verbose_name)  # noqa: SLF001 - Django's public name
        for kind, permission, count in kinds
        if count and not request.user.has_perm(permission)
    }
