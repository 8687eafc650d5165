"""Names and values that the page of a run shows under Details."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from segmentation.engine.progress import Stage
from segmentation.engine.recipe import Recipe
from segmentation.formatting import SETTING_TITLES, duration, log_likelihood, number, percent, setting_value, thousands
from segmentation.models import Image, Run

_SMALL = 256
_IN_HEADING = {"n_clusters"}


@dataclass(frozen=True, slots=True)
class Detail:
    """Name and value, as text."""

    name: str
    value: str
    href: str = ""  # link of the value


def is_small(image: Image) -> bool:
    """Return whether an image is so small that it is shown enlarged, with its pixels as squares."""
    return max(image.width, image.height) <= _SMALL


def of_result(run: Run) -> list[Detail]:
    """Return the details of a finished run."""
    result = run.result
    iterations = _("%(n)s, converged") if result.converged else _("%(n)s, stopped before it converged")
    details = [
        Detail(
            _("Log-likelihood"),
            log_likelihood(
                result.log_likelihood,
                pixels=result.extras.get("fitted_pixels"),
                of_all=result.extras.get("fitted_pixels") == result.extras.get("valid_pixels"),
            ),
        ),
        *([Detail(_("Iterations"), iterations % {"n": thousands(result.iterations)})] if result.iterations else []),
    ]
    if "distinct_colours" in result.extras:
        pixels = int(result.extras["fitted_pixels"])
        colours = {"n": thousands(int(result.extras["distinct_colours"])), "pixels": thousands(pixels)}
        details.append(Detail(_("Distinct colours"), _("%(n)s of %(pixels)s fitted pixels") % colours))
    return [*details, *_inputs(run), *_settings(run), *_times(run), *_versions(run)]


def of_attempt(run: Run) -> list[Detail]:
    """Return the details of a run without a result."""
    details = [Detail(_("Clusters"), str(run.n_clusters or _("chosen automatically"))), *_inputs(run), *_settings(run)]
    job = run.job
    if job.attempt > 1:
        details.insert(0, Detail(_("Attempts"), str(job.attempt)))
    if job.started and job.finished:
        details.append(Detail(_("Ended after"), duration((job.finished - job.started).total_seconds())))
    return details


def _inputs(run: Run) -> list[Detail]:
    """Return the details of the inputs: which pixels were left out, and which mixture the fit started from."""
    details = []
    if run.inputs.get("mask"):
        left_out = run.result.extras.get("left_out_pixels") if hasattr(run, "result") else None
        value = (
            _("some pixels left out")
            if left_out is None
            else _("%(share)s left out") % {"share": percent(left_out / (run.image.width * run.image.height))}
        )
        details.append(Detail(_("Mask"), value, reverse("run-mask", args=[run.pk])))
    if run.inputs.get("mixture"):
        start = (
            Detail(_("Started from"), _("another run"), reverse("run", args=[run.parent_id]))
            if run.parent_id
            else Detail(_("Started from"), _("a given mixture"))
        )
        details.append(start)
    return details


def _settings(run: Run) -> list[Detail]:
    """Return the settings that differ from the defaults, and the seed; an empty list for the preset Regions."""
    if run.has_regions:
        return []
    defaults = Recipe().to_mapping()
    return [
        Detail(str(name), setting_value(field, run.recipe.get(field, defaults[field])))
        for field, name in SETTING_TITLES.items()
        if field == "seed" or (field not in _IN_HEADING and run.recipe.get(field, defaults[field]) != defaults[field])
    ]


def _times(run: Run) -> list[Detail]:
    names = {
        Stage.READING: pgettext("stage", "read"),
        Stage.COUNTING: pgettext("stage", "count"),
        Stage.FITTING: pgettext("stage", "fit"),
        Stage.LABELLING: pgettext("stage", "label"),
        Stage.WRITING: pgettext("stage", "store"),
    }
    measured = run.result.seconds
    parts = [f"{names[stage]} {number(measured[stage], 2)}" for stage in Stage if stage in measured]
    if not parts:
        return []
    return [Detail(_("Time"), _("%(parts)s s") % {"parts": ", ".join(parts)})]


def _versions(run: Run) -> list[Detail]:
    parts = [f"{name} {version}" for name, version in run.result.versions.items()]
    return [Detail(_("Versions"), ", ".join(parts))] if parts else []
