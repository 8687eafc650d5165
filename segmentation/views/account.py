"""The account: what this site knows of a person, how much of it they use, and the archive of everything that is theirs."""

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
    """Show a person what this site knows of them, and how much of it they use."""
    context = {
        "usage": services.usage(owner=request.user),
        "archive": services.archive_status(owner=request.user),
    }
    return render(request, "segmentation/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def archive(request: SignedInRequest) -> HttpResponseBase:
    """Send the archive of everything that is stored of who is signed in; with POST, have it made."""
    if request.method == "POST":
        return _change(request, services.create_archive)
    found = services.ready_archive(owner=request.user)
    if found is None:
        raise Http404
    return _send(request, found, _file_name(request.user, found))


@login_required
@require_POST
def cancel_archive(request: SignedInRequest) -> HttpResponse:
    """Cancel the archive that waits or is being made."""
    return _change(request, services.cancel_archive)


def _change(request: SignedInRequest, change: Callable[..., None]) -> HttpResponse:
    """Change the archive, or say why that is not possible; either way the page of the account shows how it stands."""
    try:
        change(owner=request.user)
    except SegmentationError as error:
        messages.warning(request, sentence(error))
    return redirect("account")


def _file_name(person: User, found: JobOutput) -> str:
    made = found.job.finished
    return f"gmm-studio-{person.get_username()}{f'-{localtime(made):%Y-%m-%d}' if made else ''}.zip"


def _send(request: SignedInRequest, found: JobOutput, name: str) -> HttpResponseBase:
    """Send the file, as originals are sent: by nginx or the S3 server where the settings say so."""
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
