"""Log what staff do with other people's images, runs and accounts. The entries are Django's `LogEntry` of the admin."""

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from segmentation.models import Image, Run, User

_LONGEST_NAME = 200  # characters; the column of the log takes no more


def record(*, actor: User | None, thing: Image | Run | User, what: str, deleted: bool = False) -> None:
    """Log that `actor` did something with an object of another person. Call it in the transaction of the action.

    Parameters
    ----------
    actor : User or None
        Who did it. Nothing is logged for the owner, nor for None, which stands for the owner or the site itself.
    what : str
        What was done, as a sentence in the reader's language.
    deleted : bool
        Whether the action deletes the object.
    """
    owner = thing if isinstance(thing, User) else thing.owner if isinstance(thing, Image) else thing.job.owner
    if actor is None or actor.pk == owner.pk:
        return
    message = (
        what if owner is thing else _("%(what)s Owner: %(owner)s.") % {"what": what, "owner": owner.get_username()}
    )
    LogEntry.objects.create(
        user_id=actor.pk,
        content_type=ContentType.objects.get_for_model(thing),
        object_id=str(thing.pk),
        object_repr=str(thing)[:_LONGEST_NAME],
        action_flag=DELETION if deleted else CHANGE,
        change_message=message,
    )
