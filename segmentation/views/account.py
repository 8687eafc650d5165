"""Account page, and the archive of a person's data."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.timezone import localtime
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_sendfile import sendfile

from segmentation import files, services
from segmentation.engine.exceptions import SegmentationError
from segmentation.forms import sentence
from segmentation.http import SignedInRequest
from segmentation.models import JobOutput, User


@require_safe
@login_required
def account(request: SignedInRequest) -> HttpResponse:
    """Show the account of the signed-in person and how much storage it uses."""
    context = {
        "usage": services.usage(owner=request.user),
        "archive": services.archive_status(owner=request.user),
    }
    return render(request, "segmentation/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def archive(request: SignedInRequest) -> HttpResponseBase:
    """Send the archive of the signed-in person's data. POST queues a new archive."""
    if request.method == "POST":
        return _change(request, services.create_archive)
    found = services.ready_archive(owner=request.user)
    if found is None:
        raise Http404
    return _send(request, found, _file_name(request.user, found))


@login_required
@require_POST
def cancel_archive(request: SignedInRequest) -> HttpResponse:
    """Cancel an archive that waits or is being created."""
    return _change(request, services.cancel_archive)


def _change(request: SignedInRequest, change: Callable[..., None]) -> HttpResponse:
    """Create or cancel the archive, with a message if that is not possible, and redirect to the account page."""
    try:
        change(owner=request.user)
    except SegmentationError as error:
        messages.warning(request, sentence(error))
    return redirect("account")


def _file_name(person: User, found: JobOutput) -> str:
    made = found.job.finished
    return f"gmm-studio-{person.get_username()}{f'-{localtime(made):%Y-%m-%d}' if made else ''}.zip"


def _send(request: SignedInRequest, found: JobOutput, name: str) -> HttpResponseBase:
    """Return the response that sends the archive, through nginx or the S3 server if `GMM_DOWNLOADS` says so."""
    disposition = content_disposition_header(True, name) or "attachment"
    if settings.GMM_DOWNLOADS == "s3":
        response: HttpResponseBase = HttpResponseRedirect(files.temporary_url(found.key, disposition=disposition))
    elif settings.GMM_DOWNLOADS == "nginx":
        response = sendfile(request, str(files.local_path(found.key)), mimetype=found.content_type)
    else:
        response = FileResponse(services.open_archive(archive=found), content_type=found.content_type)
        response.headers["Content-Length"] = str(found.bytes)
    response.headers["Content-Disposition"] = disposition
    response.headers["Cache-Control"] = "private, no-store"
    return response
