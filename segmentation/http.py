"""The request as views behind a sign-in see it."""

from django.http import HttpRequest

from segmentation.models import User


class SignedInRequest(HttpRequest):
    """A request of a person who is signed in; for annotations behind `login_required` and the API's authentication."""

    user: User
