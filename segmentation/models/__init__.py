"""The database models.

Querysets have the queries (`visible_to`, `queued`, ...) and the state changes. A state change is one UPDATE whose WHERE clause
tests the old state (compare-and-set).
"""

from segmentation.models import deletion_signals as deletion_signals  # connects its signal receivers
from segmentation.models.cached_files import CachedFile
from segmentation.models.images import Image
from segmentation.models.jobs import Job
from segmentation.models.outputs import JobOutput
from segmentation.models.periodic_tasks import PeriodicTask
from segmentation.models.runs import Result, Revision, Run
from segmentation.models.users import User
from segmentation.models.workers import Worker

__all__ = ["CachedFile", "Image", "Job", "JobOutput", "PeriodicTask", "Result", "Revision", "Run", "User", "Worker"]
