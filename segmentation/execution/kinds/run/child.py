"""The part of a run that its child process does: it reads files, computes and stores files, without a database."""

import uuid
from dataclasses import dataclass
from typing import IO

from segmentation import files
from segmentation.engine import pipeline, progress
from segmentation.engine.imaging import Limits
from segmentation.engine.progress import Stage
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.engine.sandbox import Allowance, Report
from segmentation.execution.kinds.attempt_files import store, with_retries
from segmentation.execution.kinds.kind import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWork:
    """The values that the child process of a run needs."""

    run_id: uuid.UUID
    prefix: str  # of the attempt's files
    image_id: uuid.UUID
    name: str  # as uploaded
    limits: Limits  # of its original
    recipe: Recipe
    inputs: Inputs
    allowance: Allowance


def perform(work: RunWork, report: Report, _rows: IO[bytes] | None = None) -> Product:
    """Read the original, segment it and store the files of the result. It runs in the child process.

    It reports `(stage, percent)`, each pair once.

    Raises
    ------
    SegmentationError
        Whatever the engine raises for this picture, or `storage_unavailable` when the storage does not answer.
    """
    on_progress = _Progress(report)
    on_progress(Stage.READING, 0.0)
    key = files.image_key(work.image_id, "original")
    outcome = pipeline.run(
        with_retries(lambda: files.read(key)),
        name=work.name,
        recipe=work.recipe,
        inputs=work.inputs,
        masters=_masters(work),
        limits=work.limits,
        decoding=work.allowance,
        on_progress=on_progress,
    )
    on_progress(Stage.WRITING, 0.0)
    masters = pipeline.masters(outcome)
    stored = {}
    with files.batch():
        for number, (name, data) in enumerate(masters.items(), start=1):
            stored[name] = store(f"{work.prefix}/{name}", data)
            on_progress(Stage.WRITING, number / len(masters))
    summary = pipeline.summary(outcome)
    return Product(files=stored, summary=summary, seconds=sum(summary["seconds"].values()))


def _masters(work: RunWork) -> dict[str, bytes]:
    """Return the files that the inputs name, by their hash."""
    mask = work.inputs.mask
    if mask is None:
        return {}
    key = files.run_input_key(work.run_id, mask)
    return {mask: with_retries(lambda: files.read(key))}


class _Progress:
    """Reports the progress to the parent process when stage or percentage have changed."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last: tuple[str, int] | None = None

    def __call__(self, stage: Stage, fraction: float) -> None:
        now = stage.value, progress.percent(stage, fraction)
        if now != self._last:
            self._last = now
            self._report(now)
