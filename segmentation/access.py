"""Who may see, change and delete what: one rule for every model with an owner, and one for people and their permissions.

It stands below the models, which call it. A model with an owner says in `OWNER` by which path its owner is found.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.db.models import CASCADE, Model, Q, QuerySet

T = TypeVar("T", bound=QuerySet[Any])


def visible(things: T, *, user: AbstractUser | AnonymousUser) -> T:
    """Return those of `things` that `user` may see: their own, and all for staff who may view the model."""
    if not user.is_active:
        return things.none()
    if _is_allowed(user, "view", things.model):
        return things
    return things.filter(**{things.model.OWNER: user.pk})


def may_change(*, user: AbstractUser | AnonymousUser, thing: Model) -> bool:
    """Return whether `user`, who can see `thing`, may also change it: its owner, or staff with the permission."""
    return _owner_id(thing) == user.pk or _is_allowed(user, "change", type(thing))


def may_delete(*, user: AbstractUser | AnonymousUser, thing: Model) -> bool:
    """Return whether `user`, who can see `thing`, may delete it.

    Staff need the permission for everything that goes: for an image with runs also that for runs. To change is not enough.
    """
    if _owner_id(thing) == user.pk:
        return True
    return all(_is_allowed(user, "delete", model) for model in _deleted_with(type(thing), "pk", thing.pk))


def may_touch(*, user: AbstractUser, person: AbstractUser) -> bool:
    """Return whether `user` has every permission that `person` has, so that being `person` would give them nothing.

    Only then may they change a person's account, password or addresses. That an account is switched off plays no part: it
    may be switched on again.
    """
    if user.is_superuser:
        return True
    return not person.is_superuser and may_grant(user=user, permissions=_held(person))


def may_grant(*, user: AbstractUser, permissions: Iterable[Permission]) -> bool:
    """Return whether `user` has each of `permissions` and so may hand them to others."""
    return {permission.pk for permission in permissions} <= set(grantable(user).values_list("pk", flat=True))


def grantable(user: AbstractUser) -> QuerySet[Permission]:
    """Return the permissions that `user` may hand to others: those that they have."""
    if not user.is_active:
        return Permission.objects.none()
    return Permission.objects.all() if user.is_superuser else _held(user)


def _held(person: AbstractUser) -> QuerySet[Permission]:
    return Permission.objects.filter(Q(user=person.pk) | Q(group__user=person.pk)).distinct()


def _is_allowed(user: AbstractUser | AnonymousUser, verb: str, model: type[Model]) -> bool:
    opts = model._meta  # noqa: SLF001 - Django's public name
    return user.is_staff and user.has_perm(f"{opts.app_label}.{get_permission_codename(verb, opts)}")


def _owner_id(thing: Any) -> int:
    *path, last = thing.OWNER.split("__")
    for name in path:
        thing = getattr(thing, name)
    return int(getattr(thing, f"{last}_id"))


def _deleted_with(model: type[Model], path: str, key: Any) -> Iterator[type[Model]]:
    """Return the models with an owner of which rows go when those of `model` go whose `path` is `key`."""
    yield model
    for relation in model._meta.related_objects:  # noqa: SLF001 - Django's public name
        other: Any = relation.related_model
        if relation.on_delete is not CASCADE or not hasattr(other, "OWNER"):
            continue
        there = f"{relation.field.name}__{path}"
        if other._base_manager.filter(**{there: key}).exists():  # noqa: SLF001 - hides no rows
            yield from _deleted_with(other, there, key)
