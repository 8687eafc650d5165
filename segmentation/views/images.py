"""One picture: what it is, its runs, the form for another run, its end."""

import uuid
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import MAX_CLUSTERS, MAX_REGIONS, MIN_CLUSTERS
from segmentation.forms import RecipeForm, sentence, written
from segmentation.http import SignedInRequest
from segmentation.models import Image, Run
from segmentation.views.cards import cards
from segmentation.views.facts import is_small
from segmentation.views.returning import next_address

RUNS_SHOWN = 24


@require_safe
@login_required
def image(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Show a picture with its runs."""
    picture = _image(request, image_id)
    return _page(request, picture)


@require_POST
@login_required
def run_image(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Start another run of a picture."""
    picture = _changeable(request, image_id)
    form = RecipeForm(request.POST)
    if not form.is_valid():
        return _page(request, picture, form)
    try:
        run = services.create_run(image=picture, recipe=form.recipe, parent=_parent(request, picture))
    except SegmentationError as error:
        messages.error(request, sentence(error))
        return redirect(picture)
    return redirect(run)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: SignedInRequest, image_id: uuid.UUID) -> HttpResponse:
    """Ask, and delete a picture with its runs for good."""
    picture = _changeable(request, image_id)
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
    services.delete_image(image=picture)
    messages.success(request, _("%(name)s was deleted.") % {"name": picture.name})
    return redirect(back)


def _page(request: SignedInRequest, picture: Image, refused: RecipeForm | None = None) -> HttpResponse:
    runs = Run.objects.visible_to(request.user).filter(image=picture)
    shown = list(runs.for_lists().newest_first()[:RUNS_SHOWN])
    like = _run_of(picture, request.GET.get("like", "")) or (shown[0] if shown else None)
    context = {
        "image": picture,
        "cards": cards(shown),
        "count": runs.count() if len(shown) == RUNS_SHOWN else len(shown),
        "form": refused or RecipeForm(written(like.recipe) if like else {}),
        "problem": refused.problem if refused else "",
        "notices": [text for _code, text in services.notices(image=picture)],
        "changeable": services.may_change(user=request.user, thing=picture),
        "small": is_small(picture),
        "lowest": MIN_CLUSTERS,
        "highest": MAX_CLUSTERS,
        "most_regions": MAX_REGIONS,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, "segmentation/image.html", context, status=status)


def _image(request: SignedInRequest, image_id: uuid.UUID) -> Image:
    return get_object_or_404(Image.objects.visible_to(request.user).select_related("owner"), pk=image_id)


def _changeable(request: SignedInRequest, image_id: uuid.UUID) -> Image:
    picture = _image(request, image_id)
    if not services.may_change(user=request.user, thing=picture):
        raise PermissionDenied
    return picture


def _parent(request: SignedInRequest, picture: Image) -> Run | None:
    """The run from whose page another one was asked for."""
    return _run_of(picture, request.POST.get("parent", ""))


def _run_of(picture: Image, given: str) -> Run | None:
    """The run of this picture with an id that came from outside, if there is one."""
    try:
        run_id = uuid.UUID(given)
    except ValueError:
        return None
    return Run.objects.filter(image=picture, pk=run_id).first()
