from datetime import timedelta
from importlib import import_module

from django.conf import settings

from segmentation.models import JobOutput, Worker
from segmentation.models.database_time import seconds_from_now

OUTPUTS = timedelta(days=7)  # how long the output of a job can be downloaded
WORKERS = timedelta(days=30)  # how long staff can see which worker did a run


def remove_expired() -> dict[str, int]:
    """Delete expired sessions, expired outputs of jobs, and rows of workers that ended long ago.

    Returns the numbers of deleted workers and outputs.
    """
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    removed, _ = Worker.objects.filter(seen__lt=seconds_from_now(-WORKERS.total_seconds())).delete()
    expired = JobOutput.objects.expired(after=OUTPUTS)
    outputs = len([output.delete() for output in list(expired)])
    return {"workers": removed, "outputs": outputs}
