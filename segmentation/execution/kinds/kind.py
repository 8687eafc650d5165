"""The interface of a kind of background work, and the values that pass between it and the worker."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, ClassVar

from django.utils.functional import Promise

from segmentation.engine.sandbox import Allowance, Report
from segmentation.models import Job
from segmentation.models.jobs import SHORT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStage:
    """A stage of a job: its name in the row, its title for people, and the percentage at which it begins."""

    name: str
    title: str | Promise
    begins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The outcome of a successful attempt, whose files are stored already."""

    files: dict[str, dict[str, Any]]  # name -> {"key", "bytes", "sha256", "content_type"}
    summary: dict[str, Any]  # further values that `record` needs
    seconds: float | None = None  # of computing, to update the speed of the worker; None: not to be used for that


Call = Callable[[Report, IO[bytes] | None], Product]
"""The function that a child calls. It gets a function to report ``(stage, percent)`` and the spooled rows, and no database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Everything that one attempt at a job needs to know."""

    kind: "KindOfWork"
    job_id: uuid.UUID
    lease: uuid.UUID  # part of the keys of its files
    attempt: int  # 1 for the first
    call: Call
    allowance: Allowance
    expected_seconds: float  # core-seconds at speed 1
    is_long: bool  # on this worker
    rows: Callable[[], Iterator[bytes]] | None = None  # lines that the parent writes to a file for the child

    @property
    def prefix(self) -> str:
        """The prefix of the files of this attempt."""
        return f"{self.kind.prefix(self.job_id)}/{self.lease}"

    def __str__(self) -> str:
        return f"{self.kind.name.capitalize()} {self.job_id}"


class KindOfWork(ABC):
    """One kind of background work. The worker treats all kinds alike, and calls these methods for what differs."""

    name: ClassVar[str]  # as in `Job.kind`
    stages: ClassVar[tuple[JobStage, ...]]  # in order
    kept_folders: ClassVar[
        tuple[str, ...]
    ] = ()  # below the prefix of a job; they belong to no attempt, and are kept after a retry

    @abstractmethod
    def is_known(self, job: Job) -> bool:
        """Return whether this release can do the job. If not, it is left to a worker of a newer release."""

    @abstractmethod
    def expected_seconds(self, job: Job) -> float:
        """Return the expected cost of a job, in seconds of one core at speed 1."""

    @abstractmethod
    def assign(self, job: Job, *, speed: float = 1.0) -> Assignment | None:
        """Return everything that an attempt needs, on a worker of this speed; None when the job was deleted meanwhile.

        Raises
        ------
        SegmentationError
            When the rows of the job are not valid.
        """

    @abstractmethod
    def record(self, assignment: Assignment, product: Product) -> None:
        """Store the outcome of an attempt, inside the transaction in which the job succeeds."""

    @abstractmethod
    def has_recorded(self, assignment: Assignment) -> bool:
        """Return whether the outcome of this attempt was stored."""

    @abstractmethod
    def prefix(self, job_id: uuid.UUID) -> str:
        """Return the prefix of all files of a job."""

    @abstractmethod
    def label(self, job: Job) -> str:
        """Return a short description of the job for people who may see it."""

    def stage_title(self, name: str) -> str:
        """Return the title of a stage; an empty string for a stage that this release does not know."""
        return next((str(stage.title) for stage in self.stages if stage.name == name), "")


def is_long(expected_seconds: float, *, speed: float) -> bool:
    """Return whether a job of this expected cost is long on a worker of this speed."""
    return expected_seconds >= SHORT_SECONDS * speed
