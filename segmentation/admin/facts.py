"""What the pages of an image and of a run say, as headings with names and values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
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
from segmentation.models import Image, Job, PeriodicTask, Run, User, Worker
from segmentation.models.jobs import State


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    facts: list[Fact]


def of_image(image: Image) -> list[Section]:
    shape = _("%(width)s × %(height)s pixels") % {
        "width": formatting.thousands(image.width),
        "height": formatting.thousands(image.height),
    }
    bands = ngettext("%(n)s band of %(type)s", "%(n)s bands of %(type)s", image.bands)
    facts = [
        _fact(_("Owner"), _person(image.owner)),
        _fact(_("Uploaded"), moment(image.created)),
        _fact(_("Format"), image.format.upper()),
        _fact(_("Size"), shape),
        _fact(_("Values"), bands % {"n": image.bands, "type": image.dtype}),
        _fact(_("Frames"), image.frames if image.frames > 1 else ""),
        _fact(_("File"), filesizeformat(image.bytes)),
        _fact(_("Stored with its runs"), filesizeformat(services.image_bytes(image=image))),
        _fact(_("SHA-256"), image.sha256),
        _fact(_("Id"), image.pk),
    ]
    notices = [_fact(code, text) for code, text in services.image_notices(image=image)]
    return _sections([(_("Picture"), facts), (_("When it was read"), notices)])


def of_run(run: Run) -> list[Section]:
    return _sections(
        [
            (_("Run"), _of_request(run)),
            (_("What went wrong"), _of_failure(run.job)),
            (_("Result"), _of_result(run) if hasattr(run, "result") else []),
            (_("Work"), _of_job(run.job)),
        ]
    )


def of_worker(worker: Worker, *, condition: str) -> list[Section]:
    facts = [
        _fact(_("State"), condition),
        _fact(_("Host"), worker.host),
        _fact(_("Release"), worker.release),
        _fact(_("Places"), worker.slots),
        _fact(_("Places for short runs"), worker.short_slots),
        _fact(_("Speed"), f"{worker.speed:.2f}"),
        _fact(_("Started"), moment(worker.started)),
        _fact(_("Told to stop"), moment(worker.leaving)),
        _fact(_("Last seen"), moment(worker.seen)),
        _fact(_("Id"), worker.pk),
    ]
    return _sections([(_("Worker"), facts)])


def of_periodic_task(task: PeriodicTask, *, outcome: str) -> list[Section]:
    facts = [
        _fact(_("Outcome"), outcome),
        _fact(_("Last begun"), moment(task.started)),
        _fact(_("Last finished"), moment(task.finished)),
        _fact(_("Next due"), moment(task.due)),
    ]
    return _sections([(_("Periodic task"), facts)])


def moment(when: datetime | None) -> str:
    """Return a moment to the second, in the site's time."""
    return date_format(timezone.localtime(when), "j F Y, H:i:s T") if when else ""


def _of_request(run: Run) -> list[Fact]:
    recipe = [
        _fact(str(formatting.SETTING_TITLES.get(name, name)), formatting.setting_value(name, value))
        for name, value in run.recipe.items()
        if name != "schema"
    ]
    return [
        _fact(_("State"), cells.state(run.job.state, percent=run.job.percent)),
        _fact(_("Owner"), _person(run.job.owner)),
        _fact(_("Image"), _link("image", run.image_id, run.image.name)),
        _fact(_("Run again from"), _link("run", run.parent_id, str(run.parent_id)[:8]) if run.parent_id else ""),
        *recipe,
        _fact(_("Id"), run.pk),
    ]


def _of_failure(job: Job) -> list[Fact]:
    if job.state != State.FAILED:
        return []
    return [_fact(_("In words"), _(job.error_detail) if job.error_detail else ""), _fact(_("Code"), job.error_code)]


def _of_result(run: Run) -> list[Fact]:
    result = run.result
    iterations = _("%(n)s, converged") if result.converged else _("%(n)s, stopped before it converged")
    colours = result.extras.get("distinct_colours")
    fitted = result.extras.get("fitted_pixels")
    log_likelihood = formatting.log_likelihood(
        result.log_likelihood, pixels=fitted, of_all=fitted == result.extras.get("valid_pixels")
    )
    return [
        _fact(_("Log-likelihood"), log_likelihood),
        _fact(_("Iterations"), iterations % {"n": result.iterations}),
        _fact(_("Distinct colours"), "" if colours is None else formatting.thousands(int(colours))),
        _fact(_("Time by stage"), _stages(result.seconds)),
        _fact(_("Computed in"), formatting.duration(result.total_seconds)),
        _fact(_("Made with"), ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        _fact(_("SHA-256 of the map"), result.pixels_sha256),
    ]


def _of_job(job: Job) -> list[Fact]:
    return [
        _fact(_("Created"), moment(job.created)),
        _fact(_("Queued"), moment(job.queued)),
        _fact(_("Started"), moment(job.started)),
        _fact(_("Ended"), moment(job.finished)),
        _fact(_("Duration"), cells.duration(job) or ""),
        _fact(_("Attempts"), job.attempt),
        _fact(_("Stage"), kind_of(job).stage_title(job.stage)),
        _fact(_("Worker"), job.worker or ""),
        _fact(_("Lease until"), moment(job.lease_until)),
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


def _fact(name: str, value: object) -> Fact:
    return Fact(name, value if isinstance(value, str) else str(value))


def _sections(parts: Iterable[tuple[str, list[Fact]]]) -> list[Section]:
    """Leave out what has no value, and headings with nothing below."""
    filled = [Section(heading, [fact for fact in facts if fact.value]) for heading, facts in parts]
    return [section for section in filled if section.facts]


def _person(person: User) -> SafeString:
    return _link("user", person.pk, person.get_username())


def _link(model: str, key: Any, words_shown: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse(f"admin:segmentation_{model}_change", args=[key]), words_shown)
