"""Page of a run in every state, and the forms that cancel, retry, edit and delete it."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from segmentation import formatting, services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import MAX_CLUSTERS, MAX_REGIONS, Covariance
from segmentation.exceptions import StorageUnavailable
from segmentation.forms import LegendForm, MergeForm, UndoForm, recipe_fields, sentence
from segmentation.http import SignedInRequest, get_changeable, get_deletable, get_visible_or_404
from segmentation.models import Run
from segmentation.models.jobs import State
from segmentation.views import details
from segmentation.views.areas import area_column, band_table
from segmentation.views.charts import criterion_curve, fit_chart
from segmentation.views.downloads import downloads
from segmentation.views.failures import describe_failure
from segmentation.views.measurements import measurement_rows
from segmentation.views.other_preset import other_preset
from segmentation.views.ownership import ownership
from segmentation.views.redirects import next_address
from segmentation.views.region_counts import region_counts
from segmentation.views.stages import run_stages

_TEMPLATES = {
    State.QUEUED: "segmentation/run_active.html",
    State.RUNNING: "segmentation/run_active.html",
    State.SUCCEEDED: "segmentation/run_finished.html",
    State.FAILED: "segmentation/run_failed.html",
    State.CANCELLED: "segmentation/run_failed.html",
}
_RUNS = Run.objects.select_related("job", "job__owner", "image", "result")


@require_safe
@login_required
def run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a run in any state."""
    found = get_visible_or_404(_RUNS, user=request.user, pk=run_id)
    context: dict[str, Any] = {
        "run": found,
        "image": found.image,
        "status": services.run_status(run=found),
        **ownership(request, found, owner=found.job.owner),
        "notices": [text for _code, text in services.image_notices(image=found.image)],
        "small": details.is_small(found.image),
        "count_text": formatting.cluster_count(found.n_clusters, regions=found.has_regions),
    }
    state = State(found.job.state)
    if state == State.SUCCEEDED:
        context |= _finished(request, found)
    elif found.job.is_active:
        context |= _active(found, context["status"])
    else:
        failure = describe_failure(found.job, context["status"])
        context |= {"failure": failure, "details": details.of_attempt(found)}
    return render(request, _TEMPLATES[state], context)


@require_POST
@login_required
def cancel(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Cancel a waiting or running run."""
    return _change(request, run_id, services.cancel_run)


@require_POST
@login_required
def retry(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Queue a failed or cancelled run again."""
    return _change(request, run_id, services.retry_run)


@require_POST
@login_required
def legend(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Save which clusters belong to the foreground."""
    found = get_changeable(_RUNS, user=request.user, pk=run_id)
    if not found.succeeded:
        messages.warning(request, _("This run has no result yet."))
        return redirect(found)
    count = len(services.stored_result(run=found).legend.clusters)
    form = LegendForm(request.POST, n_clusters=count)
    if not form.is_valid():
        messages.error(
            request, _("The clusters of this run have changed since this page was loaded. Nothing was changed.")
        )
        return redirect(found)
    expected, chosen = form.cleaned_data["revision"], form.chosen
    return _edit(
        request,
        found,
        lambda: services.edit_legend(run=found, author=request.user, expected=expected, foreground=chosen),
    )


@require_POST
@login_required
def merge(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Merge two clusters into one."""
    found, form = get_changeable(_RUNS, user=request.user, pk=run_id), MergeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose two clusters to merge."))
        return redirect(found)
    pair, expected = (form.cleaned_data["into"], form.cleaned_data["other"]), form.cleaned_data["revision"]
    return _edit(
        request, found, lambda: services.edit_legend(run=found, author=request.user, expected=expected, merge=pair)
    )


@require_POST
@login_required
def undo(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Undo the last change of the legend."""
    found, form = get_changeable(_RUNS, user=request.user, pk=run_id), UndoForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, _("The clusters of this run have changed since this page was loaded. Nothing was changed.")
        )
        return redirect(found)
    expected = form.cleaned_data["revision"]
    return _edit(request, found, lambda: services.undo_legend(run=found, expected=expected, actor=request.user))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Delete a run after a confirmation; its image stays."""
    found = get_deletable(_RUNS, user=request.user, pk=run_id)
    back = next_address(request, default=found.image.get_absolute_url())
    if request.method != "POST":
        count_text = formatting.cluster_count(found.n_clusters, regions=found.has_regions)
        context = {"run": found, "image": found.image, "count_text": count_text, "next": back}
        return render(request, "segmentation/run_delete.html", context)
    name = found.image.name
    services.delete_run(run=found, actor=request.user)
    messages.success(request, _("The run of %(name)s was deleted.") % {"name": name})
    return redirect(back)


def _edit(request: SignedInRequest, found: Run, edit: Callable[[], object]) -> HttpResponse:
    """Edit the legend, with a message if that is not possible, and redirect to the run."""
    try:
        edit()
    except SegmentationError as error:
        messages.warning(request, sentence(error))
    return redirect(found)


def _change(request: SignedInRequest, run_id: uuid.UUID, change: Callable[..., None]) -> HttpResponse:
    """Change the state of a run, with a message if that is not possible, and redirect to the run."""
    found = get_changeable(_RUNS, user=request.user, pk=run_id)
    try:
        change(run=found, actor=request.user)
    except SegmentationError as error:
        messages.warning(request, sentence(error))
    return redirect(found)


def _active(found: Run, status: services.RunStatus) -> dict[str, Any]:
    left = status.seconds_left
    return {
        "stages": run_stages(status),
        "left": "" if left is None else formatting.time_left(left),
        "pixels": found.image.width * found.image.height,
    }


def _finished(request: SignedInRequest, found: Run) -> dict[str, Any]:
    stored, overlaps = services.stored_result(run=found), services.overlaps(run=found)
    rows, areas = stored.clusters, area_column(stored)
    measurements = measurement_rows(found, overlaps, count=request.GET.get("count") == "regions", actor=request.user)
    try:
        chart = fit_chart(_log_likelihoods(found))
    except StorageUnavailable:
        chart = None  # the numbers are in the row; only the curve is missing
    return {
        "rows": rows,
        "areas": areas,
        "table": list(zip(rows, areas.cells if areas else [None] * len(rows), strict=True)),
        "bands": band_table(stored),
        "n_components": len(stored.components),
        "overlaps": overlaps,
        "measurements": measurements,
        "counted": all(row.regions is not None for row in measurements),
        "counting": "count" in request.GET,
        "undoable": stored.current_revision.parent_id is not None,
        "region_counts": region_counts(len(rows)),
        "count_text": formatting.cluster_count(len(rows), regions=found.has_regions),
        "largest": max(row.share for row in rows) or 1.0,
        "foreground": stored.foreground_share,
        "foreground_coverage": stored.foreground_coverage,
        "covered": stored.coverage is not None,
        "labels_changed": bool(found.recipe.get("smoothness") or found.recipe.get("smallest_region")),
        "said": services.area_sentences(run=found),
        "offer": other_preset(found, n_components=len(stored.components)),
        "foreground_pixels": sum(row.pixels for row in rows if row.foreground),
        "downloads": downloads(found, rows),
        "separated": request.GET.get("palette") == "separated",
        "chart": chart,
        "chart_of": _pixels_of_chart(found),
        "selection": _selection(found),
        "details": details.of_result(found),
        "duration": formatting.duration(found.result.total_seconds),
        "rerun_fields": {name: text for name, text in recipe_fields(found.recipe).items() if name != "n_clusters"},
        "max_clusters": MAX_REGIONS if found.has_regions else MAX_CLUSTERS,
        "suggested_clusters": min(
            MAX_REGIONS if found.has_regions else MAX_CLUSTERS, (found.n_clusters or len(rows)) + 1
        ),
    }


def _log_likelihoods(found: Run) -> list[float]:
    """Return the log-likelihood at the start, after each iteration, and of the result.

    Smoothing and shared borders change the mixture after the fit. The list then ends with the last iteration.
    """
    history, recipe = services.fit_history(run=found), found.recipe
    is_changed = recipe.get("smoothness") or recipe.get("covariance") == Covariance.MIXED
    return [*history, found.result.log_likelihood] if history and not is_changed else history


def _pixels_of_chart(found: Run) -> str:
    """Return which mixture and pixels the chart shows, or nothing if it shows the fitted pixels throughout."""
    if found.recipe.get("exact"):
        return _("of a sample, then of all pixels")
    if found.recipe.get("covariance") == Covariance.MIXED:
        return _("before borders are shared")
    return _("before smoothing") if found.recipe.get("smoothness") else ""


def _selection(found: Run) -> dict[str, Any] | None:
    """Return the evidence for an automatically chosen number of clusters, or None if the number was given."""
    if found.n_clusters is not None:
        return None
    try:
        evidence = services.evidence(run=found)
    except StorageUnavailable:
        return None  # the page is shown without the explanation
    if evidence is None:
        return None
    rows = evidence.rows
    return {"evidence": evidence, "curve": criterion_curve([row.icl for row in rows], [row.nearly for row in rows])}
