"""Health check for supervisors and load balancers."""

import logging
import os
import uuid
from concurrent.futures import ThreadPoolExecutor

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from segmentation.exceptions import StorageUnavailable
from segmentation.models import Worker

logger = logging.getLogger(__name__)

_STORAGE_SECONDS = 5.0
_storage_checks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="healthz")


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Return 200 if database and storage work, with the status `degraded` if no worker is alive; otherwise 503."""
    database, worker = _database_and_worker()
    storage = _storage()
    is_available = database and storage
    status = "failed" if not is_available else "ok" if worker else "degraded"
    parts = {"database": database, "storage": storage, "worker": worker}
    return JsonResponse(
        {"status": status, **{name: "ok" if works else "failed" for name, works in parts.items()}},
        status=200 if is_available else 503,
    )


def _database_and_worker() -> tuple[bool, bool]:
    try:
        return True, Worker.objects.alive().exists()
    except DatabaseError:
        logger.exception("The database does not respond.")
        return False, False


def _storage() -> bool:
    """Return whether the storage responds in time. A storage that hangs blocks one thread, however often it is checked."""
    check = _storage_checks.submit(_check_storage)
    try:
        check.result(timeout=_STORAGE_SECONDS)
    except TimeoutError:
        check.cancel()
        logger.warning("The storage has not responded for %s s.", _STORAGE_SECONDS)
        return False
    except Exception:
        logger.exception("The storage does not respond.")
        return False
    return True


def _check_storage() -> None:
    if isinstance(default_storage, FileSystemStorage):
        if not os.access(default_storage.location, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnavailable
    else:
        default_storage.exists(f"healthz/{uuid.uuid4()}")
