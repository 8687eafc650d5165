"""Table cells that several lists share."""

import uuid
from datetime import datetime

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation import formatting
from segmentation.models import Image, Job, User
from segmentation.models.jobs import State


def pictures(*, image_id: uuid.UUID | None, run_id: uuid.UUID | None, name: str) -> SafeString:
    """Return thumbnails of the original and the result, each linked to the picture at full size; None omits one."""
    return render_to_string(
        "admin/segmentation/_thumbnails.html",
        {"image_id": image_id, "run_id": run_id, "name": name},
    )


def name_and_size(image: Image) -> SafeString:
    return name_and_note(image.name, f"{formatting.thousands(image.width)} × {formatting.thousands(image.height)}")


def name_and_note(name: str, note: str) -> SafeString:
    return format_html('<span class="name">{}</span><small>{}</small>', name, note)


def state(value: str, *, percent: int | None = None) -> SafeString:
    return render_to_string(
        "admin/segmentation/_state.html", {"state": value, "label": State(value).label, "percent": percent}
    )


def ago(moment: datetime | None) -> SafeString | None:
    return render_to_string("admin/segmentation/_ago.html", {"moment": moment}) if moment else None


def owner(person: User, *, model: str) -> SafeString:
    """Return the name of a person as a link to the list of their images or runs."""
    address = reverse(f"admin:segmentation_{model}_changelist", query={"owner": person.pk})
    title = _("Show only those of %(name)s") % {"name": person.get_username()}
    return format_html('<a href="{}" title="{}">{}</a>', address, title, person.get_username())


def duration(job: Job) -> str | None:
    """Return the duration of a job, or None if it has not ended or was never started."""
    if not (job.started and job.finished):
        return None
    return formatting.duration((job.finished - job.started).total_seconds())


def clusters(count: int) -> SafeString:
    return _labelled(formatting.thousands(count), after=ngettext("cluster", "clusters", count))


def images(count: int) -> SafeString:
    return _labelled(formatting.thousands(count), after=ngettext("image", "images", count))


def runs(count: int) -> SafeString:
    return _labelled(formatting.thousands(count), after=ngettext("run", "runs", count))


def foreground(share: float) -> SafeString:
    return _labelled(formatting.percent(share), before=_("foreground"))


def _labelled(number: str, *, before: str = "", after: str = "") -> SafeString:
    """Return a number with a label, which is shown on narrow screens, where the table has no headings."""
    left = format_html('<span class="lbl">{} </span>', before) if before else ""
    right = format_html('<span class="lbl"> {}</span>', after) if after else ""
    return format_html("{}{}{}", left, number, right)
