"""The log of what staff do with other people's things. It stands in the administration, beside what is done there itself."""

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from segmentation.models import Image, Run, User

_LONGEST_NAME = 200  # of what a row of the log can hold


def record(*, actor: User | None, thing: Image | Run | User, what: str, deleted: bool = False) -> None:
    """Write down what `actor` did with a thing of somebody else, in the transaction that does it.

    Parameters
    ----------
    actor : User or None
        Who did it; nothing is written for the owner, and for None: the owner, or the site by itself.
    what : str
        What was done, as a sentence in the reader's language.
    deleted : bool
        Whether the thing is gone, or about to be.
    """
    owner = thing if isinstance(thing, User) else thing.owner if isinstance(thing, Image) else thing.job.owner
    if actor is None or actor.pk == owner.pk:
        return
    said = what if owner is thing else _("%(what)s Owner: %(owner)s.") % {"what": what, "owner": owner.get_username()}
    LogEntry.objects.create(
        user_id=actor.pk,
        content_type=ContentType.objects.get_for_model(thing),
        object_id=str(thing.pk),
        object_repr=str(thing)[:_LONGEST_NAME],
        action_flag=DELETION if deleted else CHANGE,
        change_message=said,
    )
