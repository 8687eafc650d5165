"""Context processor for all pages. It makes no query."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from segmentation.http import theme


def interface(request: HttpRequest) -> dict[str, Any]:
    """Return the variables that `base.html` uses."""
    return {
        "theme": theme(request),
        "max_upload_bytes": settings.GMM_MAX_UPLOAD_BYTES,
        "registration_open": settings.REGISTRATION_OPEN,
        "email_configured": settings.EMAIL_CONFIGURED,
    }
