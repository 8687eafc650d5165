"""What is stored. Querysets answer who may see what and what waits; changes of state are compare-and-set."""

from segmentation.models import cleanup as cleanup  # connects what happens when rows go
from segmentation.models.cached import CachedFile
from segmentation.models.duties import Duty
from segmentation.models.images import Image
from segmentation.models.jobs import Job
from segmentation.models.outputs import JobOutput
from segmentation.models.runs import Result, Revision, Run
from segmentation.models.users import User
from segmentation.models.workers import Worker

__all__ = ["CachedFile", "Duty", "Image", "Job", "JobOutput", "Result", "Revision", "Run", "User", "Worker"]
