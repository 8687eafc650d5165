"""Deleting for good. The rows' files go with them on commit: `segmentation.models.deletion_signals`.

Django looks up what a cascade takes before it begins to delete. Whoever would add to that is therefore kept out first: uploads
and new runs lock their owner, workers the job, people who edit a legend the run.
"""

from importlib import import_module

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import Conflict
from segmentation.models import Image, Job, Run, User
from segmentation.models.jobs import JobQuerySet
from segmentation.services.audit import record


@transaction.atomic
def delete_image(*, image: Image, actor: User | None = None) -> None:
    """Delete an image with its runs. A worker that is busy with one stops at its next beat.

    Parameters
    ----------
    actor : User or None
        Who deletes it, for the log; None: the owner.
    """
    _hold(image.owner_id, Job.objects.filter(run__image=image))
    record(actor=actor, thing=image, what=_("Deleted with its runs."), deleted=True)
    image.delete()


@transaction.atomic
def delete_run(*, run: Run, actor: User | None = None) -> None:
    """Delete one run; its image stays. `actor` is who does it, as of `delete_image`."""
    _hold(None, Job.objects.filter(pk=run.pk))
    record(actor=actor, thing=run, what=_("Deleted."), deleted=True)
    run.delete()


@transaction.atomic
def delete_user(*, user: User, actor: User | None = None) -> None:
    """Delete a person with all that is theirs. `actor` is who does it, as of `delete_image`.

    Raises
    ------
    Conflict
        With `state_conflict`, when the log says what the person did as staff: it would go with them.
    """
    _hold(user.pk, Job.objects.filter(owner=user))
    if LogEntry.objects.filter(user=user).exists():
        raise Conflict(
            "state_conflict",
            gettext_noop("The log says what this account did as staff, and must stay. Switch the account off instead."),
        )
    record(actor=actor, thing=user, what=_("Deleted with everything of theirs."), deleted=True)
    user.delete()


def refusal_to_delete(*, user: User) -> str | None:
    """Return why a person cannot delete their own account, and what they can do; None when they can."""
    if LogEntry.objects.filter(user=user).exists():
        return _(
            "The log of the administration says what you did as staff, and must stay. Delete your pictures in your history; "
            "then ask another member of staff to switch your account off."
        )
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        return _("You are the only one who may do everything here. Make somebody else a superuser first.")
    return None


def end_sessions(*, user_id: int) -> int:
    """Delete all sessions of a person, on whatever device; returns how many there were.

    Reads all sessions, since they do not name their person in a column; outside of any transaction.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore
    ended = [
        session.session_key
        for session in Session.objects.order_by().iterator()
        if session.get_decoded().get(SESSION_KEY) == str(user_id)
    ]
    for key in ended:
        store(key).delete()
    return len(ended)


def _hold(owner_id: int | None, jobs: JobQuerySet) -> None:
    """Wait until nobody is adding to what goes, and keep everybody from it until the end of the transaction."""
    if owner_id is not None:
        User.objects.select_for_update().filter(pk=owner_id).first()
    held = list(jobs.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    list(Run.objects.order_by("pk").select_for_update().filter(pk__in=held).values_list("pk", flat=True))
