"""Details of images, runs, workers and periodic tasks, as sections of names and values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from segmentation import formatting, services
from segmentation.admin import cells
from segmentation.engine.progress import Stage
from segmentation.execution.kinds import kind_of
from segmentation.models import Image, Job, PeriodicTask, Result, Run, User, Worker
from segmentation.models.jobs import State


@dataclass(frozen=True, slots=True)
class Detail:
    """Name and value, as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """Details below a heading."""

    heading: str
    details: list[Detail]


def of_image(image: Image) -> list[Section]:
    shape = _("%(width)s × %(height)s pixels") % {
        "width": formatting.thousands(image.width),
        "height": formatting.thousands(image.height),
    }
    bands = ngettext("%(n)s band of %(type)s", "%(n)s bands of %(type)s", image.bands)
    details = [
        _detail(_("Owner"), _person(image.owner)),
        _detail(_("Uploaded"), moment(image.created)),
        _detail(_("Format"), image.format.upper()),
        _detail(_("Size"), shape),
        _detail(_("Values"), bands % {"n": image.bands, "type": image.dtype}),
        _detail(_("Frames"), image.frames if image.frames > 1 else ""),
        _detail(_("File"), formatting.filesize(image.bytes)),
        _detail(_("Stored with its runs"), formatting.filesize(services.image_bytes(image=image))),
        _detail(_("SHA-256"), image.sha256),
        _detail(_("Id"), image.pk),
    ]
    notices = [_detail(code, text) for code, text in services.image_notices(image=image)]
    return _sections([(_("Picture"), details), (_("Conversions"), notices)])


def of_run(run: Run) -> list[Section]:
    return _sections(
        [
            (_("Run"), _of_request(run)),
            (_("Failure"), _of_failure(run.job)),
            (_("Result"), _of_result(run) if run.succeeded else []),
            (_("Job"), _of_job(run.job)),
        ]
    )


def of_worker(worker: Worker, *, condition: str) -> list[Section]:
    details = [
        _detail(_("State"), condition),
        _detail(_("Host"), worker.host),
        _detail(_("Release"), worker.release),
        _detail(_("Slots"), worker.slots),
        _detail(_("Slots for short runs"), worker.short_slots),
        _detail(_("Speed"), formatting.number(worker.speed, 2)),
        _detail(_("Started"), moment(worker.started)),
        _detail(_("Asked to stop"), moment(worker.leaving)),
        _detail(_("Last heartbeat"), moment(worker.seen)),
        _detail(_("Id"), worker.pk),
    ]
    return _sections([(_("Worker"), details)])


def of_periodic_task(task: PeriodicTask, *, outcome: str) -> list[Section]:
    details = [
        _detail(_("Outcome"), outcome),
        _detail(_("Last started"), moment(task.started)),
        _detail(_("Last finished"), moment(task.finished)),
        _detail(_("Next due"), moment(task.due)),
    ]
    return _sections([(_("Periodic task"), details)])


def moment(when: datetime | None) -> str:
    """Return a date and time to the second, in the time zone of the site."""
    if when is None:
        return ""
    local = timezone.localtime(when)
    return f"{date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i:s T')}"


def _of_request(run: Run) -> list[Detail]:
    recipe = [
        _detail(str(formatting.SETTING_TITLES.get(name, name)), formatting.setting_value(name, value))
        for name, value in run.recipe.items()
        if name != "schema"
    ]
    return [
        _detail(_("State"), cells.state(run.job.state, percent=run.job.percent)),
        _detail(_("Owner"), _person(run.job.owner)),
        _detail(_("Image"), _link("image", run.image_id, run.image.name)),
        _detail(_("Run again from"), _link("run", run.parent_id, str(run.parent_id)[:8]) if run.parent_id else ""),
        *recipe,
        _detail(_("Id"), run.pk),
    ]


def _of_failure(job: Job) -> list[Detail]:
    if job.state != State.FAILED:
        return []
    return [_detail(_("Message"), _(job.error_detail) if job.error_detail else ""), _detail(_("Code"), job.error_code)]


def _of_result(run: Run) -> list[Detail]:
    result = Result.objects.defer("mixture", "components").filter(run=run).first()
    if result is None:
        return []  # deleted a moment ago
    iterations = _("%(n)s, converged") if result.converged else _("%(n)s, stopped before it converged")
    colours = result.extras.get("distinct_colours")
    fitted = result.extras.get("fitted_pixels")
    log_likelihood = formatting.log_likelihood(
        result.log_likelihood, pixels=fitted, of_all=fitted == result.extras.get("valid_pixels")
    )
    return [
        _detail(_("Log-likelihood"), log_likelihood),
        _detail(_("Iterations"), iterations % {"n": formatting.thousands(result.iterations)}),
        _detail(_("Distinct colours"), "" if colours is None else formatting.thousands(int(colours))),
        _detail(_("Time by stage"), _stages(result.seconds)),
        _detail(_("Computing time"), formatting.duration(result.total_seconds)),
        _detail(_("Versions"), ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        _detail(_("SHA-256 of the label map"), result.pixels_sha256),
    ]


def _of_job(job: Job) -> list[Detail]:
    return [
        _detail(_("Created"), moment(job.created)),
        _detail(_("Queued"), moment(job.queued)),
        _detail(_("Started"), moment(job.started)),
        _detail(_("Ended"), moment(job.finished)),
        _detail(_("Duration"), cells.duration(job) or ""),
        _detail(_("Attempts"), job.attempt),
        _detail(_("Stage"), kind_of(job).stage_title(job.stage)),
        _detail(_("Worker"), job.worker or ""),
        _detail(_("Lease until"), moment(job.lease_until)),
    ]


def _stages(seconds: dict[str, float]) -> str:
    names = {
        Stage.READING: pgettext("stage", "read"),
        Stage.COUNTING: pgettext("stage", "count"),
        Stage.FITTING: pgettext("stage", "fit"),
        Stage.LABELLING: pgettext("stage", "label"),
        Stage.WRITING: pgettext("stage", "store"),
    }
    return ", ".join(f"{names[stage]} {formatting.duration(seconds[stage])}" for stage in Stage if stage in seconds)


def _detail(name: str, value: object) -> Detail:
    return Detail(name, value if isinstance(value, str) else str(value))


def _sections(parts: Iterable[tuple[str, list[Detail]]]) -> list[Section]:
    """Return the sections without empty values and without empty sections."""
    filled = [Section(heading, [detail for detail in details if detail.value]) for heading, details in parts]
    return [section for section in filled if section.details]


def _person(person: User) -> SafeString:
    return _link("user", person.pk, person.get_username())


def _link(model: str, key: Any, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse(f"admin:segmentation_{model}_change", args=[key]), text)
