"""One run: waiting, working, its result or what went wrong; cancelling, retrying, its legend, its end."""

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
from segmentation.engine.recipe import MAX_CLUSTERS, MAX_REGIONS
from segmentation.exceptions import StorageUnavailable
from segmentation.forms import LegendForm, MergeForm, UndoForm, sentence, written
from segmentation.http import SignedInRequest, get_changeable, get_deletable, get_visible_or_404
from segmentation.models import Run
from segmentation.models.jobs import State
from segmentation.views import details
from segmentation.views.areas import area_column, band_table
from segmentation.views.charts import criterion_curve, fit_chart
from segmentation.views.downloads import downloads
from segmentation.views.failures import explain
from segmentation.views.measures import detail_levels, measures
from segmentation.views.ownership import ownership
from segmentation.views.returning import next_address
from segmentation.views.steps import steps

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
    """Show a run in whatever state it is."""
    found = get_visible_or_404(_RUNS, user=request.user, pk=run_id)
    context: dict[str, Any] = {
        "run": found,
        "image": found.image,
        "status": services.run_status(run=found),
        **ownership(request, found, owner=found.job.owner),
        "notices": [text for _code, text in services.image_notices(image=found.image)],
        "small": details.is_small(found.image),
        "what": formatting.cluster_count(found.n_clusters, regions=found.has_regions),
    }
    state = State(found.job.state)
    if state == State.SUCCEEDED:
        context |= _finished(request, found)
    elif found.job.is_active:
        context |= _active(found, context["status"])
    else:
        context |= {"failure": explain(found.job, context["status"]), "facts": details.of_attempt(found)}
    return render(request, _TEMPLATES[state], context)


@require_POST
@login_required
def cancel(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Cancel a run that waits or works."""
    return _change(request, run_id, services.cancel_run)


@require_POST
@login_required
def retry(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Queue a failed or cancelled run again."""
    return _change(request, run_id, services.retry_run)


@require_POST
@login_required
def legend(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Keep which clusters belong to the foreground."""
    found = get_changeable(_RUNS, user=request.user, pk=run_id)
    if not found.succeeded:
        messages.warning(request, _("This run has no result yet."))
        return redirect(found)
    count = len(services.stored_result(run=found).legend.clusters)
    form = LegendForm(request.POST, n_clusters=count)
    if not form.is_valid():
        messages.error(request, _("This table does not belong to the run as it is now. Nothing was changed."))
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
    """Go back to the legend before the last change."""
    found, form = get_changeable(_RUNS, user=request.user, pk=run_id), UndoForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This page does not belong to the run as it is now. Nothing was changed."))
        return redirect(found)
    expected = form.cleaned_data["revision"]
    return _edit(request, found, lambda: services.undo_legend(run=found, expected=expected, actor=request.user))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Ask, and delete one run for good; its picture stays."""
    found = get_deletable(_RUNS, user=request.user, pk=run_id)
    back = next_address(request, default=found.image.get_absolute_url())
    if request.method != "POST":
        what = formatting.cluster_count(found.n_clusters, regions=found.has_regions)
        context = {"run": found, "image": found.image, "what": what, "next": back}
        return render(request, "segmentation/run_delete.html", context)
    name = found.image.name
    services.delete_run(run=found, actor=request.user)
    messages.success(request, _("The run of %(name)s was deleted.") % {"name": name})
    return redirect(back)


def _edit(request: SignedInRequest, found: Run, edit: Callable[[], object]) -> HttpResponse:
    """Edit the legend, or say why that is not possible."""
    try:
        edit()
    except SegmentationError as error:
        messages.warning(request, sentence(error))
    return redirect(found)


def _change(request: SignedInRequest, run_id: uuid.UUID, change: Callable[..., None]) -> HttpResponse:
    """Change a run's state, or say why that is not possible; either way its page shows how it stands."""
    found = get_changeable(_RUNS, user=request.user, pk=run_id)
    try:
        change(run=found, actor=request.user)
    except SegmentationError as error:
        messages.warning(request, sentence(error))
    return redirect(found)


def _active(found: Run, status: services.RunStatus) -> dict[str, Any]:
    left = status.seconds_left
    return {
        "steps": steps(status),
        "left": "" if left is None else formatting.time_left(left),
        "pixels": found.image.width * found.image.height,
    }


def _finished(request: SignedInRequest, found: Run) -> dict[str, Any]:
    stored, overlaps = services.stored_result(run=found), services.overlaps(run=found)
    rows, areas = stored.clusters, area_column(stored)
    measured = measures(found, overlaps, count=request.GET.get("count") == "regions", actor=request.user)
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
        "measures": measured,
        "counted": all(measure.regions is not None for measure in measured),
        "counting": "count" in request.GET,
        "undoable": stored.current_revision.parent_id is not None,
        "detail": detail_levels(len(rows)),
        "what": formatting.cluster_count(len(rows), regions=found.has_regions),
        "largest": max(row.share for row in rows) or 1.0,
        "foreground": stored.foreground_share,
        "foreground_pixels": sum(row.pixels for row in rows if row.foreground),
        "downloads": downloads(found, rows),
        "separated": request.GET.get("palette") == "separated",
        "chart": chart,
        "chart_of": _pixels_of_chart(found),
        "why": _why(found),
        "facts": details.of_result(found),
        "took": formatting.duration(found.result.total_seconds),
        "again_settings": {name: text for name, text in written(found.recipe).items() if name != "n_clusters"},
        "most": MAX_REGIONS if found.has_regions else MAX_CLUSTERS,
        "again": min(MAX_REGIONS if found.has_regions else MAX_CLUSTERS, (found.n_clusters or len(rows)) + 1),
    }


def _log_likelihoods(found: Run) -> list[float]:
    """Return the log-likelihood at the start and after each iteration; it ends at that of the result.

    Smoothing changes the mixture once more, by the neighbours of pixels: then it ends before.
    """
    history = services.fit_history(run=found)
    return [*history, found.result.log_likelihood] if history and not found.recipe.get("smoothness") else history


def _pixels_of_chart(found: Run) -> str:
    """Return which mixture and pixels the chart is of, where it is not that of the fitted pixels to the end."""
    if found.recipe.get("exact"):
        return _("of a sample, then of all pixels")
    return _("before smoothing") if found.recipe.get("smoothness") else ""


def _why(found: Run) -> dict[str, Any] | None:
    """The evidence for a number of clusters that was left to the engine."""
    if found.n_clusters is not None:
        return None
    try:
        evidence = services.evidence(run=found)
    except StorageUnavailable:
        return None  # the result stands without it
    if evidence is None:
        return None
    rows = evidence.rows
    return {"evidence": evidence, "curve": criterion_curve([row.icl for row in rows], [row.nearly for row in rows])}
