"""Whether the site works, for supervisors and load balancers."""

import logging
import uuid

from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from segmentation.models import Worker

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while people can work, `degraded` when no worker lives; 503 when database or storage fail."""
    database, worker = _database_and_worker()
    storage = _storage()
    works = database and storage
    status = "failed" if not works else "ok" if worker else "degraded"
    parts = {"database": database, "storage": storage, "worker": worker}
    return JsonResponse(
        {"status": status, **{name: "ok" if fine else "failed" for name, fine in parts.items()}},
        status=200 if works else 503,
    )


def _database_and_worker() -> tuple[bool, bool]:
    try:
        return True, Worker.objects.alive().exists()
    except DatabaseError:
        logger.exception("The database does not answer.")
        return False, False


def _storage() -> bool:
    try:
        default_storage.exists(f"healthz/{uuid.uuid4()}")
    except Exception:
        logger.exception("The storage does not answer.")
        return False
    return True
