"""What a kind of background work has to say of itself, and what the worker gives to one attempt at it."""

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
class KindStage:
    """A stage of a job: what the row calls it, what people read, and the percent at which it begins."""

    name: str
    title: str | Promise
    begins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What an attempt has made; the files are stored."""

    files: dict[str, dict[str, Any]]  # name -> {"key", "bytes", "sha256", "content_type"}
    summary: dict[str, Any]  # what else `record` needs
    seconds: float | None = None  # of computing, which tell how fast the worker is; None: they tell nothing


Call = Callable[[Report, IO[bytes] | None], Product]
"""The work of one attempt: reports ``(stage, percent)``, reads the spooled rows, needs no database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Everything that one attempt at a job needs to know."""

    kind: "KindOfWork"
    job_id: uuid.UUID
    lease: uuid.UUID  # its files stand under it
    attempt: int  # 1 for the first
    call: Call
    allowance: Allowance
    expected_seconds: float  # core-seconds at speed 1
    is_long: bool  # on this worker
    rows: Callable[[], Iterator[bytes]] | None = None  # what the parent writes to a file before it starts the child

    @property
    def prefix(self) -> str:
        """The prefix of the files of this attempt."""
        return f"{self.kind.prefix(self.job_id)}/{self.lease}"

    def __str__(self) -> str:
        return f"{self.kind.name.capitalize()} {self.job_id}"


class KindOfWork(ABC):
    """One kind of background work. The worker treats all kinds alike and asks this object for what differs."""

    name: ClassVar[str]  # as in `Job.kind`
    stages: ClassVar[tuple[KindStage, ...]]  # in their order
    kept_folders: ClassVar[tuple[str, ...]] = ()  # of a job, that belong to no attempt

    @abstractmethod
    def is_known(self, job: Job) -> bool:
        """Return whether this release can do the job; another waits for a newer worker."""

    @abstractmethod
    def expected_seconds(self, job: Job) -> float:
        """Return the expected cost of a job, in seconds of one core at speed 1."""

    @abstractmethod
    def assign(self, job: Job, *, speed: float = 1.0) -> Assignment | None:
        """Return what an attempt needs, for a worker of this speed; None when the job was deleted meanwhile.

        Raises
        ------
        SegmentationError
            When the job cannot be done as it stands in its rows.
        """

    @abstractmethod
    def record(self, assignment: Assignment, product: Product) -> None:
        """Store what an attempt has made; inside the transaction in which the job succeeds."""

    @abstractmethod
    def has_recorded(self, assignment: Assignment) -> bool:
        """Return whether the rows name what this attempt has made."""

    @abstractmethod
    def prefix(self, job_id: uuid.UUID) -> str:
        """Return the prefix of all files of a job."""

    @abstractmethod
    def label(self, job: Job) -> str:
        """Return what the job is, in words for people who may see it."""

    def stage_title(self, name: str) -> str:
        """Return a stage in words for people; nothing for a stage that this release does not know."""
        return next((str(stage.title) for stage in self.stages if stage.name == name), "")


def is_long(expected_seconds: float, *, speed: float) -> bool:
    """Return whether a job of this expected cost is long on a worker of this speed."""
    return expected_seconds >= SHORT_SECONDS * speed
