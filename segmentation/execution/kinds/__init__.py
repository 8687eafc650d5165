"""The kinds of background work, one module each, registered by name. Nothing outside this package asks for the kind of a job."""

from collections.abc import Mapping
from types import MappingProxyType

from segmentation.execution.kinds.archive import ArchiveKind
from segmentation.execution.kinds.kind import Assignment, KindOfWork, KindStage, Product
from segmentation.execution.kinds.run import RunKind
from segmentation.models import Job

KINDS: Mapping[str, KindOfWork] = MappingProxyType({kind.name: kind for kind in (RunKind(), ArchiveKind())})
"""By the name in `Job.kind`; jobs of other kinds wait for a newer worker."""


def kind_of(job: Job) -> KindOfWork:
    """Return the kind of a job; raises KeyError for one that this release does not know."""
    return KINDS[job.kind]


__all__ = ["KINDS", "Assignment", "KindOfWork", "KindStage", "Product", "kind_of"]
