"""Files of images and results. People who may not see them get the same 404 as for a file that does not exist.

Responses carry an ETag and are revalidated at each use, so that no cache shows a deleted picture.
"""

import uuid
from collections.abc import Callable
from typing import IO

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from django_sendfile import sendfile

from segmentation import files, services
from segmentation.engine.artefacts import download_name, result_name
from segmentation.http import SignedInRequest, get_visible_or_404
from segmentation.models import Image, Run

# Inline style is allowed because a browser that displays a picture on its own creates a page with a style element.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
@login_required
def original(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponseBase:
    """Send the uploaded file, always as a download, so that no browser renders it.

    nginx or the S3 server may send the bytes; this view decides who may have them.
    """
    image = _image(request, image_id)
    key = files.image_key(image.pk, "original")
    if settings.GMM_DOWNLOADS == "nginx":
        path = str(files.local_path(key))
        return _as_download(sendfile(request, path, mimetype="application/octet-stream"), image.download_name)
    if settings.GMM_DOWNLOADS == "s3":
        return _redirect_to_storage(
            files.temporary_url(key, disposition=_disposition(image.download_name, is_download=True))
        )
    return _send(
        request,
        lambda: files.open_file(key),
        etag=f'"{image.sha256}"',
        content_type="application/octet-stream",
        name=image.download_name,
        is_download=True,
    )


@require_safe
@login_required
def display(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponseBase:
    """Send the rendition that pages display, at full resolution."""
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
def artefact(request: SignedInRequest, run_id: uuid.UUID, name: str, part: int | None = None) -> HttpResponseBase:
    """Send a file made from a result. `?palette=` selects other colours, and `?download=1` makes it a download."""
    run = _run(request, run_id)
    found, stored = services.find_artefact(run=run, name=name, part=part)
    palette = request.GET.get("palette", "")
    palette = palette if palette in found.palettes else ""
    file_name = found.file_name(part)
    variant = f"-{palette}" if palette else ""
    return _send(
        request,
        lambda: services.open_artefact(run=run, name=name, part=part, palette=palette, actor=request.user),
        etag=f'"{found.version(stored)}-{run.result.pixels_sha256[:32]}-{file_name}{variant}"',
        content_type=found.content_type_of(stored),
        name=_download_name(run, file_name),
        is_download="download" in request.GET,
    )


@require_safe
@login_required
def mask(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the mask of a run in any state; white pixels are left out."""
    run = get_visible_or_404(Run.objects.all(), user=request.user, pk=run_id)
    sha256 = run.inputs.get("mask")
    if not sha256:
        raise Http404
    key = files.run_input_key(run.pk, sha256)
    return _send(request, lambda: files.open_file(key), etag=f'"{sha256}"', content_type="image/png")


def _image(request: SignedInRequest, image_id: uuid.UUID) -> Image:
    return get_visible_or_404(Image.objects.all(), user=request.user, pk=image_id)


def _run(request: SignedInRequest, run_id: uuid.UUID) -> Run:
    """Return the run with its result, or raise Http404 if it has none."""
    run = get_visible_or_404(Run.objects.select_related("job", "image", "result"), user=request.user, pk=run_id)
    if not hasattr(run, "result"):
        raise Http404
    return run


def _send_rendition(request: SignedInRequest, image: Image, name: str, content_type: str) -> HttpResponseBase:
    key = image.rendition_key(name)
    etag = f'"{image.sha256[:32]}-{name}-{image.renditions or 0}"'
    return _send(request, lambda: files.open_file(key), etag=etag, content_type=content_type)


def _send_stored(request: SignedInRequest, run: Run, name: str, *, content_type: str) -> HttpResponseBase:
    stored = run.result.files[name]
    return _send(
        request, lambda: files.open_file(stored["key"]), etag=f'"{stored["sha256"]}"', content_type=content_type
    )


def _download_name(run: Run, file_name: str) -> str:
    """Return the file name for a download, for example `china-k5-labels.png`."""
    stored = services.stored_result(run=run)
    result = result_name(run.image.name, len(stored.legend.clusters), regions=run.has_regions)
    return download_name(result, file_name)


def _send(
    request: SignedInRequest,
    content: Callable[[], bytes | IO[bytes]],
    *,
    etag: str,
    content_type: str,
    name: str = "",
    is_download: bool = False,
) -> HttpResponseBase:
    """Return the response with a file, or 304 if the browser has it; `name` is the file name for saving."""
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        source = content()
        response = (
            HttpResponse(source, content_type=content_type)
            if isinstance(source, bytes)
            else FileResponse(source, content_type=content_type)
        )
    if name:
        response.headers["Content-Disposition"] = _disposition(name, is_download=is_download)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response.headers["Content-Disposition"] = _disposition(name, is_download=True)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _redirect_to_storage(address: str) -> HttpResponseBase:
    """Return a redirect to the S3 server. The address is valid for a minute, so the response must not be cached."""
    response = HttpResponseRedirect(address)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _disposition(name: str, *, is_download: bool) -> str:
    return content_disposition_header(is_download, name) or "attachment"
