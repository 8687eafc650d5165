"""Page of an image with its runs and the form for a new run, and the page that deletes it."""

import uuid
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import MAX_CLUSTERS, MAX_REGIONS, MIN_CLUSTERS, Inputs, Preset
from segmentation.forms import ReadingForm, RunForm, recipe_fields, sentence
from segmentation.http import SignedInRequest, get_changeable, get_deletable, get_visible_or_404
from segmentation.models import Image, Run
from segmentation.models.jobs import State
from segmentation.views.cards import cards
from segmentation.views.details import is_small
from segmentation.views.file_details import of_file, suggestion
from segmentation.views.ownership import ownership
from segmentation.views.quick_choices import given_settings, quick_choices
from segmentation.views.redirects import next_address

RUNS_SHOWN = 24
_IMAGES = Image.objects.select_related("owner")


@require_safe
@login_required
def image(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Show an image with its runs."""
    picture = get_visible_or_404(_IMAGES, user=request.user, pk=image_id)
    return _page(request, picture)


@require_POST
@login_required
def run_image(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Start a new run of an image."""
    picture = get_changeable(_IMAGES, user=request.user, pk=image_id)
    form = RunForm(request.POST, request.FILES, starts=_starts(request, picture))
    form.full_clean()
    _store_mask(request, picture, form)
    run = None if form.errors else _created(request, picture, form)
    return redirect(run) if run else _page(request, picture, form)


@require_POST
@login_required
def change_reading(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Change how the file of a picture is read, or take over the size of a pixel that its resolution suggests."""
    picture = get_changeable(_IMAGES, user=request.user, pk=image_id)
    if "use_suggested" in request.POST:
        suggested = picture.description.pixel_size_suggested
        if suggested is not None:
            services.change_pixel_size(image=picture, pixel_size=suggested, actor=request.user)
        return redirect(f"{picture.get_absolute_url()}#reading")
    form = ReadingForm(request.POST, image=picture)
    if form.is_valid():
        try:
            services.change_reading(image=picture, reading=form.reading, actor=request.user)
            services.change_pixel_size(image=picture, pixel_size=form.pixel_size, actor=request.user)
        except SegmentationError as error:
            form.add_domain_error(error)
    if form.errors:
        return _page(request, picture, reading=form)
    messages.success(request, _("The file is read in this way from now on."))
    return redirect(f"{picture.get_absolute_url()}#reading")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Delete an image with its runs after a confirmation."""
    picture = get_deletable(_IMAGES, user=request.user, pk=image_id)
    count = picture.runs.count()
    back = next_address(request, default="history")
    if request.method != "POST":
        title = (
            ngettext("Delete %(name)s and its run?", "Delete %(name)s and its %(n)s runs?", count)
            if count
            else _("Delete %(name)s?")
        ) % {"name": picture.name, "n": count}
        context = {"title": title, "image": picture, "count": count, "next": back}
        return render(request, "segmentation/image_delete.html", context)
    services.delete_image(image=picture, actor=request.user)
    messages.success(request, _("%(name)s was deleted.") % {"name": picture.name})
    return redirect(back)


def _store_mask(request: SignedInRequest, picture: Image, form: RunForm) -> None:
    """Store an uploaded mask, so that it need not be chosen again if another field is invalid."""
    file = form.cleaned_data.get("mask_file")
    if file is None:
        form.require_confirmed_mask()
        return
    try:
        form.set_mask(services.upload_mask(image=picture, file=file, name=file.name or "", actor=request.user))
    except SegmentationError as error:
        form.add_error("mask_file", sentence(error))


def _created(request: SignedInRequest, picture: Image, form: RunForm) -> Run | None:
    """Start the run; if that is not possible, add the reason to the form or the messages and return None."""
    parent = _parent(request, picture)
    mask = form.chosen_mask
    if parent is not None and "mask" not in request.POST:
        mask = mask or parent.inputs.get("mask")  # a repeated run uses the same mask
    try:
        return services.create_run(
            image=picture,
            recipe=form.recipe,
            inputs=Inputs(mask=mask or None),
            begin=form.cleaned_data["begin"],
            parent=parent,
            actor=request.user,
        )
    except SegmentationError as error:
        if not form.add_domain_error(error):
            messages.error(request, sentence(error))
        return None


def _page(
    request: SignedInRequest, picture: Image, invalid: RunForm | None = None, reading: ReadingForm | None = None
) -> HttpResponse:
    runs = Run.objects.visible_to(request.user).filter(image=picture)
    shown = list(runs.for_lists().newest_first()[:RUNS_SHOWN])
    like = _run_of(request, picture, request.GET.get("like", "")) or runs.newest_first().first()
    listed = cards(shown)
    fields = given_settings(request.GET, _form_fields(like) if like else {})
    form = invalid or RunForm(fields, starts=_starts(request, picture))
    masks = services.masks_in_use(runs=runs)
    context = {
        "image": picture,
        "cards": listed,
        "count": runs.count() if len(shown) == RUNS_SHOWN else len(shown),
        "form": form,
        "quick_choices": quick_choices(form.shown, request.GET),
        "starts": [card for card in listed if card.rows and card.run and not card.run.has_regions],
        "masks": masks,
        "mask_is_new": form.chosen_mask not in {"", *(mask.sha256 for mask in masks)},
        "problem": invalid.problem if invalid else "",
        "notices": [text for _code, text in services.image_notices(image=picture)],
        "file_details": of_file(picture),
        "suggestion": suggestion(picture),
        "reading": reading or ReadingForm(image=picture),
        **ownership(request, picture, owner=picture.owner),
        "small": is_small(picture),
        "lowest": MIN_CLUSTERS,
        "highest": MAX_CLUSTERS,
        "most_regions": MAX_REGIONS,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if invalid or reading else HTTPStatus.OK
    return render(request, "segmentation/image.html", context, status=status)


def _form_fields(run: Run) -> dict[str, str]:
    """Return the fields of a form that runs the same recipe with the same mask again."""
    return recipe_fields(run.recipe) | ({"mask": run.inputs["mask"]} if run.inputs.get("mask") else {})


def _starts(request: SignedInRequest, picture: Image) -> QuerySet[Run]:
    """Return the finished runs whose mixture a new run may start from."""
    runs = Run.objects.visible_to(request.user).select_related("job", "result")
    return runs.filter(image=picture, job__state=State.SUCCEEDED).exclude(recipe__preset=Preset.REGIONS.value)


def _parent(request: SignedInRequest, picture: Image) -> Run | None:
    """Return the run from whose page the form was sent, or None."""
    return _run_of(request, picture, request.POST.get("parent", ""))


def _run_of(request: SignedInRequest, picture: Image, given: str) -> Run | None:
    """Return the run of this image with the id `given`, or None if there is none or it is not a valid id."""
    try:
        run_id = uuid.UUID(given)
    except ValueError:
        return None
    return Run.objects.visible_to(request.user).filter(image=picture, pk=run_id).first()
