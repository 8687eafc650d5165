"""One attempt at a run as its child sees it: files and numerics, no database."""

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from segmentation import files
from segmentation.engine import pipeline, progress, sandbox
from segmentation.engine.imaging import Limits
from segmentation.engine.progress import Stage
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import StorageUnavailable
from segmentation.execution.allowance import allowance
from segmentation.execution.cost import cost_of
from segmentation.models import Run
from segmentation.models.jobs import SHORT_SECONDS

T = TypeVar("T")

_PAUSES = (0.2, 0.8, 2.0)  # seconds before each further try, while the storage does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Everything that an attempt needs to know."""

    run_id: uuid.UUID
    lease: uuid.UUID  # its files stand under it
    attempt: int  # 1 for the first
    image_id: uuid.UUID
    name: str  # as uploaded
    limits: Limits  # of its original
    recipe: Recipe
    inputs: Inputs
    expected_seconds: float  # core-seconds at speed 1
    is_long: bool  # on this worker
    allowance: sandbox.Allowance

    @classmethod
    def of(cls, run: Run, *, lease: uuid.UUID, attempt: int, speed: float = 1.0) -> "Assignment":
        """Parse what the row says, for a worker of this speed.

        Raises
        ------
        BadRecipe
            When it does not parse.
        """
        recipe, image = Recipe.from_mapping(run.recipe), run.image
        known = run.job.expected_seconds
        expected = cost_of(run) if known is None else known
        return cls(
            run_id=run.pk,
            lease=lease,
            attempt=attempt,
            image_id=image.pk,
            name=image.name,
            limits=image.limits,
            recipe=recipe,
            inputs=Inputs.from_mapping(run.inputs),
            expected_seconds=expected,
            is_long=expected >= SHORT_SECONDS * speed,
            allowance=allowance(
                pixels=image.width * image.height,
                bands=image.bands,
                item_bytes=np.dtype(image.dtype).itemsize,
                recipe=recipe,
                expected=expected / speed,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What an attempt has made; the files are stored."""

    files: dict[str, dict[str, Any]]  # name -> {"key", "bytes", "sha256", "content_type"}
    summary: dict[str, Any]  # see `pipeline.summary`


def perform(assignment: Assignment, report: sandbox.Report) -> Product:
    """Read the original, segment it, store the masters under the lease. Runs in the child.

    Reports `(stage, percent)`, each pair once.

    Raises
    ------
    SegmentationError
        Of the engine for this picture, or `storage_unavailable` when the storage did not answer for some seconds.
    """
    on_progress = _Progress(report)
    on_progress(Stage.READING, 0.0)
    key = files.image_key(assignment.image_id, "original")
    outcome = pipeline.run(
        _patiently(lambda: files.read(key)),
        name=assignment.name,
        recipe=assignment.recipe,
        inputs=assignment.inputs,
        masters=_masters(assignment),
        limits=assignment.limits,
        decoding=assignment.allowance,
        on_progress=on_progress,
    )
    on_progress(Stage.WRITING, 0.0)
    masters = pipeline.masters(outcome)
    stored = {}
    with files.together():
        for number, (name, data) in enumerate(masters.items(), start=1):
            stored[name] = _store(assignment, name, data)
            on_progress(Stage.WRITING, number / len(masters))
    return Product(files=stored, summary=pipeline.summary(outcome))


def _masters(assignment: Assignment) -> dict[str, bytes]:
    """The files that the inputs name, by their hash."""
    mask = assignment.inputs.mask
    if mask is None:
        return {}
    key = files.run_input_key(assignment.run_id, mask)
    return {mask: _patiently(lambda: files.read(key))}


class _Progress:
    """Tells the parent what has changed: the engine reports more often than anybody looks."""

    def __init__(self, report: sandbox.Report) -> None:
        self._report = report
        self._told: tuple[str, int] | None = None

    def __call__(self, stage: Stage, fraction: float) -> None:
        now = stage.value, progress.percent(stage, fraction)
        if now != self._told:
            self._told = now
            self._report(now)


def _store(assignment: Assignment, name: str, data: bytes) -> dict[str, Any]:
    key = files.run_key(assignment.run_id, assignment.lease, name)
    _patiently(lambda: files.put(key, data))
    return {
        "key": key,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": _content_type(data),
    }


def _content_type(data: bytes) -> str:
    signatures = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg", b"RIFF": "image/webp"}
    return next((kind for begins, kind in signatures.items() if data.startswith(begins)), "application/octet-stream")


def _patiently(action: Callable[[], T]) -> T:
    """Try again while the storage does not answer; the parent goes on beating meanwhile."""
    for pause in _PAUSES:
        try:
            return action()
        except StorageUnavailable:
            time.sleep(pause)
    return action()
