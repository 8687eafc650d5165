"""Whether the site works, for supervisors and load balancers."""

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
_looks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="healthz")


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
    """Whether the storage answers soon. One that hangs keeps one thread waiting, and no more with each look."""
    look = _looks.submit(_look_at_storage)
    try:
        look.result(timeout=_STORAGE_SECONDS)
    except TimeoutError:
        look.cancel()
        logger.warning("The storage has not answered for %s s.", _STORAGE_SECONDS)
        return False
    except Exception:
        logger.exception("The storage does not answer.")
        return False
    return True


def _look_at_storage() -> None:
    if isinstance(default_storage, FileSystemStorage):
        if not os.access(default_storage.location, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnavailable
    else:
        default_storage.exists(f"healthz/{uuid.uuid4()}")
