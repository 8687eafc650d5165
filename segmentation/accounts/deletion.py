"""Page on which people delete their own account. It asks for the password, in case somebody else uses an open session."""

from allauth.account.forms import ReauthenticateForm
from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from segmentation import services
from segmentation.accounts.devices import forget
from segmentation.engine.exceptions import SegmentationError
from segmentation.forms import sentence
from segmentation.http import SignedInRequest

_APP = "allauth.account"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def delete(request: SignedInRequest) -> HttpResponse:
    """Show what will be deleted, ask for the password, and delete the account with all its data."""
    person = request.user
    form = ReauthenticateForm(request.POST or None, user=person)
    refusal = services.refusal_to_delete(user=person)
    if request.method != "POST" or refusal is not None:
        return _page(request, form, refusal)
    if not ratelimit.consume(request, app=_APP, action="reauthenticate", user=person):
        form.add_error(None, _("Too many attempts. Wait a few minutes, then try again."))
    if not form.is_valid():
        return _page(request, form, None)
    person_id = person.pk
    try:
        services.delete_user(user=person)
    except SegmentationError as error:
        return _page(request, form, sentence(error))
    logout(request)
    services.end_sessions(user_id=person_id)
    messages.success(request, _("Your account and all its data were deleted."))
    response = redirect("home")
    forget(request, response, user_id=person_id)
    return response


def _page(request: SignedInRequest, form: ReauthenticateForm, refusal: str | None) -> HttpResponse:
    context = {"form": form, "refusal": refusal, "usage": services.usage(owner=request.user)}
    return render(request, "account/delete.html", context)
