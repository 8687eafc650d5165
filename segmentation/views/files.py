"""Every byte of a picture goes through here, to whoever may see it; a stranger gets the same 404 as for nothing.

Pictures carry an ETag and are revalidated at each use, so that a deleted one is gone from the next view on.
"""

import uuid
from collections.abc import Callable
from pathlib import PurePath
from typing import IO

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from django_sendfile import sendfile

from segmentation import files, services
from segmentation.http import SignedInRequest, get_visible_or_404
from segmentation.models import Image, Run

# A browser that shows a picture by itself makes a page around it, with a style of its own.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
@login_required
def original(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponseBase:
    """Send the bytes as uploaded, always as a download: a browser never renders what a person sent.

    nginx or the S3 server may do the sending; who may have them is decided here.
    """
    image = _image(request, image_id)
    key = files.image_key(image.pk, "original")
    if settings.GMM_DOWNLOADS == "nginx":
        path = str(files.local_path(key))
        return _as_download(sendfile(request, path, mimetype="application/octet-stream"), image.name)
    if settings.GMM_DOWNLOADS == "s3":
        return _elsewhere(files.temporary_url(key, disposition=_disposition(image.name)))
    return _send(
        request,
        lambda: files.open_file(key),
        etag=f'"{image.sha256}"',
        content_type="application/octet-stream",
        download=image.name,
    )


@require_safe
@login_required
def display(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponseBase:
    """Send the rendition at full resolution that browsers show."""
    image = _image(request, image_id)
    return _send_rendition(request, image, "display", image.display_type)


@require_safe
@login_required
def image_thumbnail(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponseBase:
    image = _image(request, image_id)
    return _send_rendition(request, image, "thumbnail", image.thumbnail_type)


@require_safe
@login_required
def components(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the master map: the most probable component of each pixel."""
    run = _run(request, run_id)
    return _send_stored(request, run, "components.png", content_type="image/png")


@require_safe
@login_required
def run_thumbnail(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    run = _run(request, run_id)
    stored = run.result.files["thumbnail"]
    return _send(
        request,
        lambda: services.run_thumbnail(run=run, actor=request.user),
        etag=f'"{run.revision}-{stored["sha256"][:32]}"',
        content_type=str(stored["content_type"]),
    )


@require_safe
@login_required
def labels(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    return _send_picture(request, run_id, "labels")


@require_safe
@login_required
def segmented(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the segmented picture; `?palette=separated` for well-separated colours."""
    return _send_picture(request, run_id, "segmented", separated=request.GET.get("palette") == "separated")


@require_safe
@login_required
def binary(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    return _send_picture(request, run_id, "binary")


@require_safe
@login_required
def mask(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the mask of a run in whatever state: what is white in it is left out."""
    run = get_visible_or_404(Run.objects.all(), user=request.user, pk=run_id)
    sha256 = run.inputs.get("mask")
    if not sha256:
        raise Http404
    key = files.run_input_key(run.pk, sha256)
    return _send(request, lambda: files.open_file(key), etag=f'"{sha256}"', content_type="image/png")


@require_safe
@login_required
def uncertainty(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send how undecided each pixel is; `?palette=heat` in colours, else in grey."""
    return _send_map(request, run_id, "uncertainty")


@require_safe
@login_required
def novelty(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send how unusual each pixel is; `?palette=heat` in colours, else in grey."""
    return _send_map(request, run_id, "novelty")


@require_safe
@login_required
def evidence(request: SignedInRequest, run_id: uuid.UUID, n_clusters: int) -> HttpResponseBase:
    """Send the small picture of one number of clusters that was weighed."""
    run = _run(request, run_id)
    picture = services.evidence_picture(run=run, n_clusters=n_clusters)
    etag = f'"{run.result.pixels_sha256[:32]}-evidence-{n_clusters}"'
    return _send(request, lambda: picture, etag=etag, content_type="image/png")


def _image(request: SignedInRequest, image_id: uuid.UUID) -> Image:
    return get_visible_or_404(Image.objects.all(), user=request.user, pk=image_id)


def _run(request: SignedInRequest, run_id: uuid.UUID) -> Run:
    """Return the run with its result; one without a result has no pictures yet."""
    run = get_visible_or_404(Run.objects.select_related("job", "image", "result"), user=request.user, pk=run_id)
    if not hasattr(run, "result"):
        raise Http404
    return run


def _send_rendition(request: SignedInRequest, image: Image, name: str, content_type: str) -> HttpResponseBase:
    key = files.image_key(image.pk, name)
    etag = f'"{image.sha256[:32]}-{name}"'
    return _send(request, lambda: files.open_file(key), etag=etag, content_type=content_type)


def _send_stored(request: SignedInRequest, run: Run, name: str, *, content_type: str) -> HttpResponseBase:
    stored = run.result.files[name]
    return _send(
        request, lambda: files.open_file(stored["key"]), etag=f'"{stored["sha256"]}"', content_type=content_type
    )


def _send_picture(
    request: SignedInRequest, run_id: uuid.UUID, name: str, *, separated: bool = False
) -> HttpResponseBase:
    run = _run(request, run_id)
    palette = "-separated" if separated else ""
    return _send(
        request,
        lambda: services.rendition(run=run, name=name, separated=separated, actor=request.user),
        etag=f'"{run.revision}-{run.result.pixels_sha256[:32]}-{name}{palette}"',
        content_type="image/png",
        download=download_name(run, name) if "download" in request.GET else "",
    )


def _send_map(request: SignedInRequest, run_id: uuid.UUID, name: str) -> HttpResponseBase:
    run = _run(request, run_id)
    if run.has_regions:
        raise Http404  # they are sure of their pixels
    heat = request.GET.get("palette") == "heat"
    return _send(
        request,
        lambda: services.certainty_map(run=run, name=name, heat=heat, actor=request.user),
        etag=f'"{run.revision}-{run.result.pixels_sha256[:32]}-{name}{"-heat" if heat else ""}"',
        content_type="image/png",
        download=download_name(run, name) if "download" in request.GET else "",
    )


def download_name(run: Run, name: str) -> str:
    """Return how a picture of a run is called on a person's disk, for example `china-k5-labels.png`."""
    kind, count = "regions" if run.has_regions else "k", len(run.current_revision.legend["clusters"])
    return f"{PurePath(run.image.name).stem[:200] or 'picture'}-{kind}{count}-{name}.png"


def _send(
    request: SignedInRequest,
    content: Callable[[], bytes | IO[bytes]],
    *,
    etag: str,
    content_type: str,
    download: str = "",
) -> HttpResponseBase:
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        source = content()
        response = (
            HttpResponse(source, content_type=content_type)
            if isinstance(source, bytes)
            else FileResponse(source, content_type=content_type)
        )
    if download:
        _as_download(response, download)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response.headers["Content-Disposition"] = _disposition(name)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _elsewhere(address: str) -> HttpResponseBase:
    """Send the browser to the storage; the address is good for a minute, so nobody may keep it."""
    response = HttpResponseRedirect(address)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _disposition(name: str) -> str:
    return content_disposition_header(True, name) or "attachment"
