"""Requests and answers as the web rows see them: who is signed in, the theme they chose, errors of the API, headers."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

from segmentation.models import User

API_ROOT = "/api/"
PROBLEM_TYPE = "application/problem+json"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope"),
            *("magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb"),
            *("xr-spatial-tracking",),
        )
    ),
}
"""Headers of every answer: no other site embeds, frames or reads it, and no page of ours uses the machine's devices."""

THEMES = ("light", "dark")  # anything else: as the system
THEME_COOKIE = "theme"


class SignedInRequest(HttpRequest):
    """A request of a person who is signed in; for annotations behind `login_required` and the API's authentication."""

    user: User


def theme(request: HttpRequest) -> str:
    """Return the theme that was chosen in this browser, or nothing for that of the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def is_api(request: HttpRequest) -> bool:
    """Return whether a request goes to the API, whose errors are problem details whoever finds them."""
    return request.path_info.startswith(API_ROOT)


def problem(status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    """Return an error as problem details (RFC 9457) with one of our codes."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    response = JsonResponse(body, status=status, content_type=PROBLEM_TYPE)
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        response.headers["Retry-After"] = "10"
    return response
