"""Segment a picture in a child process, with a progress bar on a terminal."""

import functools
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import Any

from tqdm import tqdm

from segmentation import formatting
from segmentation.engine import decoder, pipeline, progress
from segmentation.engine.artefacts import ARTEFACTS, Artefact, Source
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.progress import Stage
from segmentation.engine.recipe import Inputs, Preset
from segmentation.engine.sandbox import Child, Report
from segmentation.management.segment.reading import selection_of_page
from segmentation.management.segment.task import Task, allowance

_DOCUMENT = ARTEFACTS["document"]  # made last: it lists the other files
_LOOK_SECONDS = 0.1
_BAR = "{desc} {percentage:3.0f}%|{bar}|{postfix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """What a child sends back."""

    files: dict[str, bytes]  # by name
    found: str  # how many clusters or regions
    foreground: float  # share of the pixels with data
    seconds: float
    notices: tuple[str, ...]  # sentences


def segmented(data: bytes, name: str, task: Task, report: Report) -> Segmented:
    """Do all the work on one picture. Runs in the child."""

    def on_progress(stage: Stage, fraction: float) -> None:
        report((stage, progress.percent(stage, fraction)))

    inputs = _inputs(data, name, task)
    common: dict[str, Any] = {
        "name": name,
        "inputs": inputs,
        "masters": task.masters,
        "limits": task.limits,
        "decoding": allowance(),
        "on_progress": on_progress,
    }
    outcome = (
        pipeline.run(data, recipe=task.recipe, **common)
        if task.model is None
        else pipeline.apply(data, model=task.model, **common)
    )
    decode = functools.partial(
        decoder.decode, data, name=name, limits=task.limits, reading=inputs.reading, allowance=allowance()
    )
    files: dict[str, bytes] = {}
    source = pipeline.OutcomeSource(outcome, outputs=files, decode=decode, pixel_size=task.pixel_size)
    for artefact in sorted((ARTEFACTS[export] for export in task.exports), key=lambda artefact: artefact is _DOCUMENT):
        files |= _made(artefact, source)
    return Segmented(
        files=files,
        found=formatting.cluster_count(len(outcome.legend.clusters), regions=task.recipe.preset is Preset.REGIONS),
        foreground=source.foreground_share,
        seconds=sum(outcome.seconds.values()),
        notices=tuple(notice.sentence for notice in outcome.notices),
    )


def _inputs(data: bytes, name: str, task: Task) -> Inputs:
    """Return the inputs with the selected page of a file, which must be looked at for that."""
    if task.page is None:
        return task.inputs
    layout = decoder.inspect(data, name=name, limits=task.limits, allowance=allowance()).layout
    selection = selection_of_page(task.page, layout, channels=task.inputs.reading.selection.channels)
    return replace(task.inputs, reading=replace(task.inputs.reading, selection=selection))


def _made(artefact: Artefact, source: Source) -> dict[str, bytes]:
    """Return the files of an artefact by name: one, or one for each of its parts."""
    if not artefact.available(source):
        raise SegmentationError(
            "invalid_request", "There is no %(name)s of this result: leave out --export %(name)s.", name=artefact.name
        )
    parts = artefact.parts(source) or (None,)
    return {artefact.file_name(part): artefact.make(source, part=part) for part in parts}


def run_in_child(work: Callable[[Report], Any], name: str) -> Any:
    """Fork, and show a bar on a terminal until the child has ended; returns or raises what the work does."""
    tqdm.monitor_interval = 0  # its monitor is a thread
    with tqdm(total=100, desc=name, disable=None, leave=False, bar_format=_BAR) as bar:
        decoder.ensure_started()
        child = _fork_uninterrupted(work)
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            while not child.poll():
                _show(bar, child.progress)
                _listen(child)
        finally:
            child.kill()  # after Ctrl-C
            while not child.poll():
                _listen(child)
    return child.result()


def _fork_uninterrupted(work: Callable[[Report], Any]) -> Child:
    """Fork, and leave Ctrl-C blocked: a child that is not known yet could not be stopped."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return Child.fork(work, allowance=allowance())
    except BaseException:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        raise


def _listen(child: Child) -> None:
    if child.connection is not None:
        wait([child.connection], timeout=_LOOK_SECONDS)


def _show(bar: "tqdm[Any]", told: tuple[Stage, int] | None) -> None:
    if told is not None:
        stage, percent = told
        bar.set_postfix_str(stage.value, refresh=False)
        bar.update(percent - bar.n)
