"""Explanation that the page of a failed or cancelled run shows."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from segmentation import services
from segmentation.models import Job
from segmentation.models.jobs import State
from segmentation.services import RunStatus

_REMEDIES: dict[str, Promise] = {
    "out_of_memory": gettext_lazy("Upload the picture at a smaller size, or ask for fewer clusters."),
    "deadline": gettext_lazy("Upload the picture at a smaller size, or ask for fewer clusters."),
    "corrupt": gettext_lazy("Save it again with another program and upload it once more."),
    "empty": gettext_lazy("Transparent pixels, and those that a mask leaves out, do not count."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Heading, cause, suggested remedy, and a reference for the administrators of the site."""

    heading: str
    detail: str
    remedy: str
    reference: str
    failed: bool  # False for a cancelled run


def describe_failure(job: Job, status: RunStatus) -> Failure:
    """Return the explanation of a run that failed or was cancelled."""
    reference = f"{str(job.pk)[:4]}-{str(job.pk)[4:8]}"
    if job.state == State.CANCELLED:
        return Failure(
            heading=_("This run was cancelled"),
            detail=_("Your picture and your settings are kept."),
            remedy="",
            reference=reference,
            failed=False,
        )
    code = status.error.code if status.error else ""
    return Failure(
        heading=services.failure_heading(code),
        detail=_attempts(job.attempt) if code == "worker_lost" else (status.error.detail if status.error else ""),
        remedy=str(_REMEDIES.get(code, "")),
        reference=reference,
        failed=True,
    )


def _attempts(count: int) -> str:
    return ngettext(
        "The run was started once and did not finish.", "The run was started %(n)s times and did not finish.", count
    ) % {"n": count}
