"""Who may change what they can see."""

from django.contrib.auth.models import AnonymousUser

from segmentation.models import Image, Run, User


def may_change(*, user: User | AnonymousUser, thing: Image | Run) -> bool:
    """Return whether `user`, who can see `thing`, may also change it: its owner, or staff with the permission."""
    owner_id = thing.owner_id if isinstance(thing, Image) else thing.job.owner_id
    if owner_id == user.pk:
        return True
    permission = "segmentation.change_image" if isinstance(thing, Image) else "segmentation.change_run"
    return user.is_staff and user.has_perm(permission)
