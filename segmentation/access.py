"""Permissions: who may see, change and delete objects that have an owner, and who may manage accounts.

The models call this module. A model with an owner has the lookup path of the owner in `OWNER`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.db.models import CASCADE, Model, Q, QuerySet

T = TypeVar("T", bound=QuerySet[Any])


def visible(things: T, *, user: AbstractUser | AnonymousUser) -> T:
    """Return the objects that `user` may see: their own, or all for staff with the permission to view the model."""
    if not user.is_active:
        return things.none()
    if _is_allowed(user, "view", things.model):
        return things
    return things.filter(**{things.model.OWNER: user.pk})


def may_change(*, user: AbstractUser | AnonymousUser, thing: Model) -> bool:
    """Return whether `user`, who may see `thing`, may change it: as its owner, or as staff with the permission to change."""
    return _owner_id(thing) == user.pk or _is_allowed(user, "change", type(thing))


def may_delete(*, user: AbstractUser | AnonymousUser, thing: Model) -> bool:
    """Return whether `user`, who may see `thing`, may delete it.

    Staff need the permission to delete for every model with rows that the cascade deletes: for an image with runs also for runs.
    """
    if _owner_id(thing) == user.pk:
        return True
    return all(_is_allowed(user, "delete", model) for model in _deleted_with(type(thing), "pk", thing.pk))


def may_manage(*, user: AbstractUser, person: AbstractUser) -> bool:
    """Return whether `user` may change account, password and addresses of `person`.

    They may if they have every permission that `person` has, so that taking over the account would gain them nothing. Permissions
    of a deactivated account count, because it can be activated again.
    """
    if user.is_superuser:
        return True
    return not person.is_superuser and may_grant(user=user, permissions=_permissions_of(person))


def may_grant(*, user: AbstractUser, permissions: Iterable[Permission]) -> bool:
    """Return whether `user` has all of `permissions`, and so may grant them to others."""
    return {permission.pk for permission in permissions} <= set(grantable(user).values_list("pk", flat=True))


def grantable(user: AbstractUser) -> QuerySet[Permission]:
    """Return the permissions that `user` may grant to others: those that they have."""
    if not user.is_active:
        return Permission.objects.none()
    return Permission.objects.all() if user.is_superuser else _permissions_of(user)


def _permissions_of(person: AbstractUser) -> QuerySet[Permission]:
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
    """Yield the models with an owner that have rows which a cascade deletes with the rows of `model` where `path` is `key`."""
    yield model
    for relation in model._meta.related_objects:  # noqa: SLF001 - Django's public name
        other: Any = relation.related_model
        if relation.on_delete is not CASCADE or not hasattr(other, "OWNER"):
            continue
        there = f"{relation.field.name}__{path}"
        if other._base_manager.filter(**{there: key}).exists():  # noqa: SLF001 - hides no rows
            yield from _deleted_with(other, there, key)
