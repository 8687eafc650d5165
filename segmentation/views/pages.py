"""Landing page, help page, the theme, and error pages."""

import logging
import uuid
from http import HTTPStatus
from textwrap import wrap

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_POST, require_safe

from segmentation import formatting, services
from segmentation.engine.recipe import MAX_CLUSTERS, MIN_CLUSTERS
from segmentation.http import THEME_COOKIE, THEMES, problem, theme, wants_page
from segmentation.samples import SAMPLES
from segmentation.views.redirects import next_address
from segmentation.views.showcase import showcase

_SHOWN = frozenset({"china", "ihc", "coins", "coffee"})
_CREDITS = [sample for sample in SAMPLES if sample.slug in _SHOWN]  # pictures on the public pages
_A_YEAR = 365 * 24 * 60 * 60
_log = logging.getLogger(__name__)


def landing(request: HttpRequest) -> HttpResponse:
    """Show the landing page to somebody who is not signed in."""
    shown = showcase()
    context = {"hero": shown["hero"], "uses": shown["uses"], "cloud": shown["cloud"], "credits": _CREDITS}
    return render(request, "segmentation/landing.html", context)


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Show the help page."""
    shown = showcase()
    context = {
        "hero": shown["hero"],
        "fit": shown["fit"],
        "credits": _CREDITS,
        "limits": services.limits(),
        "quota": {"bytes": settings.GMM_QUOTA_BYTES, "images": settings.GMM_QUOTA_IMAGES},
        "lowest": MIN_CLUSTERS,
        "highest": MAX_CLUSTERS,
    }
    return render(request, "segmentation/help.html", context)


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Store the theme in a cookie. Any other value deletes the cookie, so that the theme of the system is used."""
    chosen = request.POST.get("theme", "")
    script = not request.accepts("text/html")
    response = HttpResponse(status=HTTPStatus.NO_CONTENT) if script else redirect(next_address(request, default="home"))
    if chosen in THEMES:
        secure = settings.SESSION_COOKIE_SECURE
        path = settings.SESSION_COOKIE_PATH
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=_A_YEAR, path=path, secure=secure, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(THEME_COOKIE, path=settings.SESSION_COOKIE_PATH, samesite="Lax")
    return response


@require_safe
def too_large(request: HttpRequest) -> HttpResponse:
    """Return the error page that a proxy shows for a request body that is too large."""
    return body_too_large(request)


def body_too_large(request: HttpRequest) -> HttpResponse:
    """Return 413 as a page for a browser, or as problem details for a script."""
    limit = formatting.filesize(services.limits().bytes)
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if wants_page(request):
        return render(request, "413.html", {"limit": limit}, status=status)
    detail = _("The file is larger than %(limit)s, the limit of this site.") % {"limit": limit}
    return problem(status, "too_large", detail)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Return the page for an invalid request."""
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Return the page for somebody who may see an object but not change it, or who may not open the administration."""
    match = request.resolver_match
    for_staff_only = match is not None and match.app_name == "admin" and not request.user.is_staff
    context = {
        "heading": _("You may see this, but not change it"),
        "sentence": _(
            "It belongs to somebody else, and your account does not have the permission. Nothing was changed."
        ),
    }
    if for_staff_only:
        context = {
            "heading": _("Only staff may open the administration"),
            "sentence": _(
                "Your account is not a staff account. Ask the administrators of this site if you need access."
            ),
        }
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Return the page for an address that does not exist or that the person may not see; both look the same."""
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an internal error. It uses no database, session or context processor, since any may have failed."""
    reference = "-".join(wrap(uuid.uuid4().hex[:8], 4))
    _log.error("Reference %s: a page could not be created; the cause is logged next to this line", reference)
    again = request.get_full_path() if request.method == "GET" else ""
    context = {"theme": theme(request), "reference": reference, "now": timezone.now(), "again": again}
    page = render_to_string("500.html", context)
    return HttpResponse(page, status=HTTPStatus.INTERNAL_SERVER_ERROR)
