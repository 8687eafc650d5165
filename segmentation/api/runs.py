"""Operations on runs."""

import hashlib
import uuid
from dataclasses import asdict
from http import HTTPStatus

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from ninja import Router, Status

from segmentation import services
from segmentation.api.problems import ERRORS
from segmentation.api.schemas import (
    FitOut,
    FrameOut,
    LegendEdit,
    OverlapsOut,
    PixelReportOut,
    RegionsOut,
    RunIn,
    RunOut,
)
from segmentation.engine.pipeline.replay import Frame
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.http import SignedInRequest, get_changeable, get_deletable, get_visible_or_404
from segmentation.models import Image, Run

router = Router(tags=["runs"])
_RUNS = Run.objects.select_related("job", "job__owner", "image", "result")


@router.post("", response={HTTPStatus.CREATED: RunOut, **ERRORS}, url_name="runs")
def create(request: SignedInRequest, body: RunIn) -> Status[RunOut]:
    """Queue a run of an image. It may start from a mixture or a finished run, and leave out the pixels of a mask."""
    image = get_changeable(Image.objects.select_related("owner"), user=request.user, pk=body.image)
    begin = None if body.begin is None else get_visible_or_404(_RUNS, user=request.user, pk=body.begin)
    run = services.create_run(
        image=image,
        recipe=Recipe.from_mapping(body.recipe),
        inputs=Inputs.from_mapping(body.inputs or {}),
        begin=begin,
        actor=request.user,
    )
    return Status(HTTPStatus.CREATED, RunOut.of(get_visible_or_404(_RUNS, user=request.user, pk=run.pk)))


@router.get("/{uuid:run_id}", response={HTTPStatus.OK: RunOut, **ERRORS}, url_name="run")
def describe(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Return the state of a run. Poll with `If-None-Match`: the status is 304 while nothing has changed."""
    body = RunOut.of(get_visible_or_404(_RUNS, user=request.user, pk=run_id)).model_dump_json().encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response: HttpResponseBase = get_conditional_response(request, etag=etag) or HttpResponse(
        body, content_type="application/json"
    )
    response.headers["ETag"] = etag  # for clients that poll; no cache stores the response
    return response


@router.post("/{uuid:run_id}/cancel", response={HTTPStatus.OK: RunOut, **ERRORS}, url_name="run-cancel")
def cancel(request: SignedInRequest, run_id: uuid.UUID) -> RunOut:
    """Cancel a waiting or running run."""
    run = get_changeable(_RUNS, user=request.user, pk=run_id)
    services.cancel_run(run=run, actor=request.user)
    return RunOut.of(run)


@router.post("/{uuid:run_id}/retry", response={HTTPStatus.OK: RunOut, **ERRORS}, url_name="run-retry")
def retry(request: SignedInRequest, run_id: uuid.UUID) -> RunOut:
    """Queue a failed or cancelled run again."""
    run = get_changeable(_RUNS, user=request.user, pk=run_id)
    services.retry_run(run=run, actor=request.user)
    return RunOut.of(run)


@router.patch("/{uuid:run_id}/legend", response={HTTPStatus.OK: RunOut, **ERRORS}, url_name="run-legend")
def edit_legend(request: SignedInRequest, run_id: uuid.UUID, body: LegendEdit) -> RunOut:
    """Set which clusters belong to the foreground, merge two clusters, or undo the last change.

    Clusters are identified by index. `revision` is the revision that the client has read. `merge` merges the second cluster
    into the first; the indices of the clusters after it decrease by one.
    """
    run = get_changeable(_RUNS, user=request.user, pk=run_id)
    if body.undo:
        services.undo_legend(run=run, expected=body.revision, actor=request.user)
        return RunOut.of(run)
    foreground = {cluster.index: cluster.foreground for cluster in body.clusters}
    services.edit_legend(run=run, author=request.user, expected=body.revision, foreground=foreground, merge=body.merge)
    return RunOut.of(run)


@router.get("/{uuid:run_id}/at", response={HTTPStatus.OK: PixelReportOut, **ERRORS}, url_name="run-at")
def at(request: SignedInRequest, run_id: uuid.UUID, x: int, y: int) -> PixelReportOut:
    """Return the values of the pixel in column `x` and row `y`, both counted from 0."""
    run = get_visible_or_404(_RUNS, user=request.user, pk=run_id)
    return PixelReportOut(revision=run.revision, **asdict(services.pixel_report(run=run, x=x, y=y, actor=request.user)))


@router.get("/{uuid:run_id}/regions", response={HTTPStatus.OK: RegionsOut, **ERRORS}, url_name="run-regions")
def regions(request: SignedInRequest, run_id: uuid.UUID) -> RegionsOut:
    """Return the number of 4-connected regions of each cluster. They are counted at the first request."""
    run = get_visible_or_404(_RUNS, user=request.user, pk=run_id)
    return RegionsOut(revision=run.revision, regions=services.connected_regions(run=run, actor=request.user))


@router.get("/{uuid:run_id}/overlaps", response={HTTPStatus.OK: OverlapsOut, **ERRORS}, url_name="run-overlaps")
def overlaps(request: SignedInRequest, run_id: uuid.UUID) -> OverlapsOut:
    """Return how much every two clusters overlap, and which two to merge first."""
    run = get_visible_or_404(_RUNS, user=request.user, pk=run_id)
    found = services.overlaps(run=run)
    return OverlapsOut(revision=run.revision, coefficients=found.coefficients, merge_first=found.merge_first)


@router.get("/{uuid:run_id}/fit", response={HTTPStatus.OK: FitOut, **ERRORS}, url_name="run-fit")
def fit(request: SignedInRequest, run_id: uuid.UUID, *, parameters: bool = False) -> FitOut:
    """Return the log-likelihood of the fit after each evaluation, and with `parameters` also the mixture."""
    run = get_visible_or_404(_RUNS, user=request.user, pk=run_id)
    history = services.fit_history(run=run)
    return FitOut(
        iterations=run.result.iterations,
        converged=run.result.converged,
        history=history,
        frames=[_frame(frame) for frame in services.fit_frames(run=run)] if parameters else None,
    )


@router.delete("/{uuid:run_id}", response={HTTPStatus.NO_CONTENT: None, **ERRORS})
def delete(request: SignedInRequest, run_id: uuid.UUID) -> Status[None]:
    """Delete a run permanently; its image stays."""
    run = get_deletable(_RUNS, user=request.user, pk=run_id)
    services.delete_run(run=run, actor=request.user)
    return Status(HTTPStatus.NO_CONTENT, None)


def _frame(frame: Frame) -> FrameOut:
    mixture = frame.mixture
    return FrameOut(
        iteration=frame.iteration,
        weights=mixture.weights.tolist(),
        means=mixture.means.tolist(),
        covariances=mixture.covariances.tolist(),
    )
