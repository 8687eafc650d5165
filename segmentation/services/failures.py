"""Short headings for the error codes of failed runs, for the page of the run and for the admin."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_HEADINGS: dict[str, Promise] = {
    "worker_lost": gettext_lazy("The server stopped during this run"),
    "out_of_memory": gettext_lazy("This picture needs more memory than a run may take"),
    "deadline": gettext_lazy("This run took longer than a run may take"),
    "crashed": gettext_lazy("The computation stopped unexpectedly"),
    "internal_error": gettext_lazy("An error in the program ended this run"),
    "storage_unavailable": gettext_lazy("The storage for pictures did not answer"),
    "corrupt": gettext_lazy("The picture or its mask cannot be read"),
    "empty": gettext_lazy("The picture has no pixels to segment"),
}


def failure_heading(code: str) -> str:
    """Return the heading for an error code."""
    return str(_HEADINGS.get(code) or _("This run failed"))
