"""One picture: what it is, its runs, the form for another run, its end."""

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
from segmentation.forms import ReadingForm, RunForm, sentence, written
from segmentation.http import SignedInRequest, get_changeable, get_deletable, get_visible_or_404
from segmentation.models import Image, Run
from segmentation.models.jobs import State
from segmentation.views.cards import cards
from segmentation.views.details import is_small
from segmentation.views.file_details import of_file, suggestion
from segmentation.views.ownership import ownership
from segmentation.views.returning import next_address

RUNS_SHOWN = 24
_IMAGES = Image.objects.select_related("owner")


@require_safe
@login_required
def image(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Show a picture with its runs."""
    picture = get_visible_or_404(_IMAGES, user=request.user, pk=image_id)
    return _page(request, picture)


@require_POST
@login_required
def run_image(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Start another run of a picture."""
    picture = get_changeable(_IMAGES, user=request.user, pk=image_id)
    form = RunForm(request.POST, request.FILES, starts=_starts(request, picture))
    form.full_clean()
    _keep_mask(request, picture, form)
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
            form.refuse(error)
    if form.errors:
        return _page(request, picture, reading=form)
    messages.success(request, _("The file is read in this way from now on."))
    return redirect(f"{picture.get_absolute_url()}#reading")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Ask, and delete a picture with its runs for good."""
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


def _keep_mask(request: SignedInRequest, picture: Image, form: RunForm) -> None:
    """Store a mask that came with the form, so that it need not be chosen again when something else is wrong."""
    file = form.cleaned_data.get("mask_file")
    if file is None:
        return
    try:
        stored = services.upload_mask(image=picture, file=file, name=file.name or "", actor=request.user)
        form.chosen_mask = stored.sha256
    except SegmentationError as error:
        form.add_error("mask_file", sentence(error))


def _created(request: SignedInRequest, picture: Image, form: RunForm) -> Run | None:
    """Start the run; where that is not possible, say why and return None."""
    parent = _parent(request, picture)
    mask = form.chosen_mask
    if parent is not None and "mask" not in request.POST:
        mask = mask or parent.inputs.get("mask")  # whoever runs again leaves the same out
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
        if not form.refuse(error):
            messages.error(request, sentence(error))
        return None


def _page(
    request: SignedInRequest, picture: Image, refused: RunForm | None = None, reading: ReadingForm | None = None
) -> HttpResponse:
    runs = Run.objects.visible_to(request.user).filter(image=picture)
    shown = list(runs.for_lists().newest_first()[:RUNS_SHOWN])
    like = _run_of(request, picture, request.GET.get("like", "")) or (shown[0] if shown else None)
    listed = cards(shown)
    form = refused or RunForm(_like(like) if like else {}, starts=_starts(request, picture))
    masks = services.masks_in_use(runs=runs)
    context = {
        "image": picture,
        "cards": listed,
        "count": runs.count() if len(shown) == RUNS_SHOWN else len(shown),
        "form": form,
        "starts": [card for card in listed if card.rows and card.run and not card.run.has_regions],
        "masks": masks,
        "mask_is_new": form.chosen_mask not in {"", *(mask.sha256 for mask in masks)},
        "problem": refused.problem if refused else "",
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
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused or reading else HTTPStatus.OK
    return render(request, "segmentation/image.html", context, status=status)


def _like(run: Run) -> dict[str, str]:
    """The fields of a form for the same once more."""
    return written(run.recipe) | ({"mask": run.inputs["mask"]} if run.inputs.get("mask") else {})


def _starts(request: SignedInRequest, picture: Image) -> QuerySet[Run]:
    """The runs that another one may begin with."""
    runs = Run.objects.visible_to(request.user).select_related("job", "result")
    return runs.filter(image=picture, job__state=State.SUCCEEDED, recipe__preset=Preset.COLOURS.value)


def _parent(request: SignedInRequest, picture: Image) -> Run | None:
    """The run from whose page another one was asked for."""
    return _run_of(request, picture, request.POST.get("parent", ""))


def _run_of(request: SignedInRequest, picture: Image, given: str) -> Run | None:
    """The run of this picture with an id that came from outside, if there is one."""
    try:
        run_id = uuid.UUID(given)
    except ValueError:
        return None
    return Run.objects.visible_to(request.user).filter(image=picture, pk=run_id).first()
