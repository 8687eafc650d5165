"""What is stored. Querysets answer who may see what and what waits; changes of state are compare-and-set."""

from segmentation.models import deletion_signals as deletion_signals  # connects what happens when rows go
from segmentation.models.cached_files import CachedFile
from segmentation.models.images import Image
from segmentation.models.jobs import Job
from segmentation.models.outputs import JobOutput
from segmentation.models.periodic_tasks import PeriodicTask
from segmentation.models.runs import Result, Revision, Run
from segmentation.models.users import User
from segmentation.models.workers import Worker

__all__ = ["CachedFile", "Image", "Job", "JobOutput", "PeriodicTask", "Result", "Revision", "Run", "User", "Worker"]
