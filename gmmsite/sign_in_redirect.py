"""Middleware that returns people to the page with a form if they had to sign in again after sending it."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class ReturnAfterSignIn:
    """Changes the redirect of `login_required` after a POST: its `next` becomes the page with the form.

    The URL to which a form is sent does not accept GET. The page is that of the referrer if it is on this site, and the start page
    otherwise.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        sign_in = resolve_url(settings.LOGIN_URL)
        location = response.headers.get("Location", "")
        if request.method not in SAFE_METHODS and urlsplit(location).path == sign_in and request.path != sign_in:
            query = urlencode({REDIRECT_FIELD_NAME: _page_of(request)}, safe="/")
            response.headers["Location"] = f"{sign_in}?{query}"
        return response


def _page_of(request: HttpRequest) -> str:
    """Return path and query of the page from which a form was sent."""
    referrer = request.headers.get("Referer", "")
    is_on_this_site = url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure())
    if not is_on_this_site:
        return resolve_url("home")
    parts = urlsplit(referrer)
    return parts.path + (f"?{parts.query}" if parts.query else "")
