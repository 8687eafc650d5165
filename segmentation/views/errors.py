"""Error responses: an HTML page for a browser, problem details for a script."""

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

_BODY_ERRORS: dict[str, SegmentationError] = {
    "busy": Busy(
        "busy",
        gettext_noop("Too many uploads to this site are in progress. Nothing was changed. Try again in a moment."),
    ),
    "storage_unavailable": StorageFull(),
}


class ErrorMiddleware:
    """Answers requests whose body the web server has rejected, and domain errors that a view has not handled."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path:
            raise Http404  # no address of this site contains NUL, and PostgreSQL does not accept it
        refused = request.META.get(REFUSED_BODY)
        if refused == "too_large":
            return pages.body_too_large(request)
        if refused is not None:
            return error_response(request, _BODY_ERRORS[refused])
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the response to a domain error, or None for any other exception, which is a bug."""
        if isinstance(error, SegmentationError) and error.code != "internal_error":
            return error_response(request, error)
        return None


def error_response(request: HttpRequest, error: SegmentationError) -> HttpResponse:
    """Return the response to a request that has caused a domain error."""
    if not wants_page(request):
        return problem_of(error)
    if error.code == "not_found":
        return pages.page_not_found(request, error)
    status = status_of(error)
    context = {"status": status.value, "sentence": sentence(error), "again": request.get_full_path()}
    if request.method not in {"GET", "HEAD"}:
        context["again"] = ""
    return with_retry_after(render(request, "error.html", context, status=status), error)
