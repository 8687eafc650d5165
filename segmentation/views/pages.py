"""Pages that belong to no picture: the first one, the help, the theme, and what is shown instead of a page."""

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
from segmentation.views.returning import next_address
from segmentation.views.showcase import showcase

_SHOWN = frozenset({"china", "ihc", "coins", "coffee"})
_THANKS = [sample for sample in SAMPLES if sample.slug in _SHOWN]  # whose pictures are on the pages for everybody
_A_YEAR = 365 * 24 * 60 * 60
_log = logging.getLogger(__name__)


def landing(request: HttpRequest) -> HttpResponse:
    """Show what this is to somebody who is not signed in."""
    shown = showcase()
    context = {"hero": shown["hero"], "uses": shown["uses"], "cloud": shown["cloud"], "thanks": _THANKS}
    return render(request, "segmentation/landing.html", context)


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Explain how a mixture segments, and everything that can be chosen."""
    shown = showcase()
    context = {
        "hero": shown["hero"],
        "fit": shown["fit"],
        "thanks": _THANKS,
        "limits": services.limits(),
        "quota": {"bytes": settings.GMM_QUOTA_BYTES, "images": settings.GMM_QUOTA_IMAGES},
        "lowest": MIN_CLUSTERS,
        "highest": MAX_CLUSTERS,
    }
    return render(request, "segmentation/help.html", context)


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie; anything that is no theme means: as the system."""
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
    """Answer instead of a proxy that has refused a body."""
    return refuse_body(request)


def refuse_body(request: HttpRequest) -> HttpResponse:
    """Answer a request whose body is too large: a page to a browser, problem details to a script."""
    limit = formatting.filesize(services.limits().bytes)
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if wants_page(request):
        return render(request, "413.html", {"limit": limit}, status=status)
    detail = _("The file is larger than %(limit)s, the most that this site takes.") % {"limit": limit}
    return problem(status, "too_large", detail)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Answer a request that makes no sense."""
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Answer somebody who may see a thing, but not do this with it."""
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
            "sentence": _("Your account is not one of staff. Ask the administrators of this site if you need access."),
        }
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Answer for everything that is not there, or not for this person: both look the same."""
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a fault. Needs no database, no session and no context processor: any of them may be what is broken."""
    reference = "-".join(wrap(uuid.uuid4().hex[:8], 4))
    _log.error("Reference %s: a page could not be made; the cause is logged next to this line", reference)
    again = request.get_full_path() if request.method == "GET" else ""
    context = {"theme": theme(request), "reference": reference, "now": timezone.now(), "again": again}
    page = render_to_string("500.html", context)
    return HttpResponse(page, status=HTTPStatus.INTERNAL_SERVER_ERROR)
