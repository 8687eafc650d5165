from datetime import timedelta
from importlib import import_module

from django.conf import settings

from segmentation.models import Worker
from segmentation.models.clock import seconds_from_now

WORKERS = timedelta(days=30)  # how long staff can look up who did a run


def remove_expired() -> dict[str, int]:
    """Remove sessions that have ended and rows of workers that ended long ago; returns how many workers."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    removed, _ = Worker.objects.filter(seen__lt=seconds_from_now(-WORKERS.total_seconds())).delete()
    return {"workers": removed}
