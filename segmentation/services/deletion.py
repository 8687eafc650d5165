"""Delete images, runs and people permanently. Their files are deleted on commit (`segmentation.models.deletion_signals`).

Django collects the rows of a cascade before it deletes the first one. Rows that are added in between would break the deletion,
so everything that adds rows takes a lock, and a deletion takes these locks first: uploads and new runs lock the owner, workers
the job, and edits of a legend the run.
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
    """Delete an image with its runs. Workers stop running ones at their next heartbeat.

    Parameters
    ----------
    actor : User or None
        Who deletes it, for the log; None: the owner.
    """
    _lock(image.owner_id, Job.objects.filter(run__image=image))
    record(actor=actor, thing=image, what=_("Deleted with its runs."), deleted=True)
    image.delete()


@transaction.atomic
def delete_run(*, run: Run, actor: User | None = None) -> None:
    """Delete one run; its image stays. `actor` is the person who deletes it (see `delete_image`)."""
    _lock(None, Job.objects.filter(pk=run.pk))
    record(actor=actor, thing=run, what=_("Deleted."), deleted=True)
    run.delete()


@transaction.atomic
def delete_user(*, user: User, actor: User | None = None) -> None:
    """Delete a person with everything that belongs to them. `actor` is the person who deletes it (see `delete_image`).

    Raises
    ------
    Conflict
        With `state_conflict`, when the staff log has entries of the person: they would be deleted, too.
    """
    _lock(user.pk, Job.objects.filter(owner=user))
    if LogEntry.objects.filter(user=user).exists():
        raise Conflict(
            "state_conflict",
            gettext_noop("The log says what this account did as staff, and must stay. Switch the account off instead."),
        )
    record(actor=actor, thing=user, what=_("Deleted with everything of theirs."), deleted=True)
    user.delete()


def refusal_to_delete(*, user: User) -> str | None:
    """Return a sentence that says why a person cannot delete their own account, and what to do; None when they can."""
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
    """Delete all sessions of a person, and return their number.

    All sessions of the site are read, because no column names the person. Call it outside of transactions.
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


def _lock(owner_id: int | None, jobs: JobQuerySet) -> None:
    """Lock the owner, the jobs and their runs until the end of the transaction, so that nothing is added meanwhile."""
    if owner_id is not None:
        User.objects.select_for_update().filter(pk=owner_id).first()
    held = list(jobs.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    list(Run.objects.order_by("pk").select_for_update().filter(pk__in=held).values_list("pk", flat=True))
