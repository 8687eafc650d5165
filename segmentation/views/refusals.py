"""What is answered when the site cannot do something now: a page to a browser, problem details to a script."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from segmentation.engine.exceptions import Busy, SegmentationError, gettext_noop
from segmentation.exceptions import StorageFull
from segmentation.forms import sentence
from segmentation.http import problem_of, status_of, wants_page, with_retry_after
from segmentation.upload_handlers import REFUSED_BODY
from segmentation.views import pages

_OF_BODIES: dict[str, SegmentationError] = {
    "busy": Busy(
        "busy",
        gettext_noop("Too many uploads to this site are in progress. Nothing was changed. Try again in a moment."),
    ),
    "storage_unavailable": StorageFull(),
}


class Refusals:
    """Answers requests whose body the web server has not kept, and those for which a view has no answer of its own to an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path:
            raise Http404  # no address of ours has one, and PostgreSQL takes none
        refused = request.META.get(REFUSED_BODY)
        if refused == "too_large":
            return pages.refuse_body(request)
        if refused is not None:
            return refusal(request, _OF_BODIES[refused])
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view that has let such an error pass."""
        if isinstance(error, SegmentationError) and error.code != "internal_error":
            return refusal(request, error)
        return None  # a bug, which is logged and has a page of its own


def refusal(request: HttpRequest, error: SegmentationError) -> HttpResponse:
    """Return the answer to a request that was refused."""
    if not wants_page(request):
        return problem_of(error)
    if error.code == "not_found":
        return pages.page_not_found(request, error)
    status = status_of(error)
    context = {"status": status.value, "sentence": sentence(error), "again": request.get_full_path()}
    if request.method not in {"GET", "HEAD"}:
        context["again"] = ""
    return with_retry_after(render(request, "refused.html", context, status=status), error)
