"""The kinds of background work, one package each, registered by name. No code outside this package depends on the kind."""

from collections.abc import Mapping
from types import MappingProxyType

from segmentation.execution.kinds.archive import ArchiveKind
from segmentation.execution.kinds.kind import Assignment, JobStage, KindOfWork, Product
from segmentation.execution.kinds.run import RunKind
from segmentation.models import Job

KINDS: Mapping[str, KindOfWork] = MappingProxyType({kind.name: kind for kind in (RunKind(), ArchiveKind())})
"""All kinds by the name in `Job.kind`. Jobs of other kinds are left to workers of a newer release."""


def kind_of(job: Job) -> KindOfWork:
    """Return the kind of a job; raises KeyError for one that this release does not know."""
    return KINDS[job.kind]


__all__ = ["KINDS", "Assignment", "JobStage", "KindOfWork", "Product", "kind_of"]
