"""Record the seconds of each stage of a computation, and report its progress."""

import time
from dataclasses import dataclass, field

from segmentation.engine.progress import OnFraction, OnProgress, Stage, subrange


@dataclass(slots=True)
class StageClock:
    """Records the seconds of each stage and reports its progress to a callback."""

    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)
    stage: Stage | None = None
    started: float = 0.0  # `perf_counter` at the beginning of the stage
    done: float = 0.0  # fraction of the stage, 0 to 1

    def begin(self, stage: Stage) -> OnFraction:
        """Begin a stage and return a callback for its progress.

        When the stage has already started, the callback covers the fraction that is left of it.
        """
        if stage is not self.stage:
            self.end()
            self.stage, self.started = stage, time.perf_counter()
            self._report(stage, 0.0)
        return subrange(lambda fraction: self._report(stage, fraction), self.done, 1)

    def end(self) -> None:
        """End the current stage, if there is one, and record its seconds."""
        if self.stage is not None:
            self.seconds[self.stage.value] = time.perf_counter() - self.started
            self.stage = None

    def _report(self, stage: Stage, fraction: float) -> None:
        self.done = fraction
        self.on_progress(stage, fraction)
