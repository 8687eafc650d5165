"""Brings people back to the page that they were on when they had to sign in again."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

SAFE = {"GET", "HEAD", "OPTIONS"}


class ReturnToThePage:
    """Lets the sign-in that answers a form lead back to the page with the form, since the form's address takes no GET.

    Needs what `login_required` answers: a redirect to the sign-in with the address of the form. Without a referrer of this
    site, people come to the start page afterwards.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        sign_in = resolve_url(settings.LOGIN_URL)
        location = response.headers.get("Location", "")
        if request.method not in SAFE and urlsplit(location).path == sign_in and request.path != sign_in:
            query = urlencode({REDIRECT_FIELD_NAME: _page_of(request)}, safe="/")
            response.headers["Location"] = f"{sign_in}?{query}"
        return response


def _page_of(request: HttpRequest) -> str:
    referrer = request.headers.get("Referer", "")
    here = url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure())
    if not here:
        return resolve_url("home")
    parts = urlsplit(referrer)
    return parts.path + (f"?{parts.query}" if parts.query else "")
