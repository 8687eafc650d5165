"""Start page with the upload form, and the built-in samples."""

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from segmentation import services
from segmentation.engine.exceptions import Busy, SegmentationError
from segmentation.engine.recipe import Recipe
from segmentation.exceptions import RateLimited, StorageUnavailable
from segmentation.forms import RecipeForm, UploadForm, sentence
from segmentation.http import SignedInRequest
from segmentation.models import Image, Run
from segmentation.samples import SAMPLES
from segmentation.views import pages
from segmentation.views.cards import cards

RECENT = 8


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponseBase:
    """Store an uploaded picture and start its first run; with GET show the start page, or the landing page if signed out."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.path) if request.method == "POST" else pages.landing(request)
    signed_in = cast("SignedInRequest", request)
    return _upload(signed_in) if request.method == "POST" else _page(signed_in, UploadForm())


def _upload(request: SignedInRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refused(request, form, form.problem, HTTPStatus.UNPROCESSABLE_ENTITY)
    file: UploadedFile[bytes] = form.cleaned_data["image"]
    try:
        image = services.upload_image(owner=request.user, file=file, name=file.name or "")
    except SegmentationError as error:
        return _refused(request, form, sentence(error), _status(error))
    return first_run(request, image, form.recipe)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sample(request: SignedInRequest, name: str) -> HttpResponseBase:
    """Start a run of a built-in picture; with GET send its preview."""
    if request.method != "POST":
        return _preview(name)
    form = RecipeForm(request.POST)
    recipe = form.recipe if form.is_valid() else Recipe()
    try:
        image = services.upload_sample(owner=request.user, name=name)
    except SegmentationError as error:
        if error.code == "not_found":
            raise
        messages.error(request, sentence(error))
        return redirect("home")
    return first_run(request, image, recipe)


def first_run(request: HttpRequest, image: Image, recipe: Recipe) -> HttpResponse:
    """Start the first run of an image and redirect to it; if that is not possible, redirect to the image with a message."""
    try:
        run = services.create_run(image=image, recipe=recipe)
    except SegmentationError as error:
        messages.error(request, sentence(error))
        return redirect(image)
    return redirect(run)


def _preview(name: str) -> HttpResponse:
    found = next((sample for sample in SAMPLES if sample.slug == name), None)
    if found is None:
        raise Http404
    response = HttpResponse(found.preview.read_bytes(), content_type="image/webp")
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


def _page(request: SignedInRequest, form: UploadForm, **more: object) -> HttpResponse:
    runs = Run.objects.owned_by(request.user).for_lists().newest_first()[:RECENT]
    context = {"form": form, "cards": cards(runs), "samples": SAMPLES, "limits": services.limits(), **more}
    return render(request, "segmentation/start.html", context)


def _refused(request: SignedInRequest, form: UploadForm, reason: str, status: HTTPStatus) -> HttpResponse:
    file = request.FILES.get("image")
    name = file.name if isinstance(file, UploadedFile) else ""
    heading = _("%(name)s was not uploaded") % {"name": name} if name else _("Nothing was uploaded")
    response = _page(request, form, refused={"heading": heading, "sentence": reason})
    response.status_code = status
    return response


def _status(error: SegmentationError) -> HTTPStatus:
    if isinstance(error, RateLimited):
        return HTTPStatus.TOO_MANY_REQUESTS
    unavailable = isinstance(error, Busy | StorageUnavailable)
    return HTTPStatus.SERVICE_UNAVAILABLE if unavailable else HTTPStatus.UNPROCESSABLE_ENTITY
