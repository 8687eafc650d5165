"""The request as the web rows see it: a person who is signed in, and the theme they chose."""

from django.http import HttpRequest

from segmentation.models import User

THEMES = ("light", "dark")  # anything else: as the system
THEME_COOKIE = "theme"


class SignedInRequest(HttpRequest):
    """A request of a person who is signed in; for annotations behind `login_required` and the API's authentication."""

    user: User


def theme(request: HttpRequest) -> str:
    """Return the theme that was chosen in this browser, or nothing for that of the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
