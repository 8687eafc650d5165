"""How long each stage of a computation takes, and who is told about it."""

import time
from dataclasses import dataclass, field

from segmentation.engine.progress import OnFraction, OnProgress, Stage, subrange


@dataclass(slots=True)
class StageClock:
    """Takes the time of each stage and passes its progress on."""

    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)
    stage: Stage | None = None
    begun: float = 0.0
    done: float = 0.0  # of the stage

    def begin(self, stage: Stage) -> OnFraction:
        """Begin a stage, or what is left of it, if it has begun; returns what reports fractions of that."""
        if stage is not self.stage:
            self.end()
            self.stage, self.begun = stage, time.perf_counter()
            self._tell(stage, 0.0)
        return subrange(lambda fraction: self._tell(stage, fraction), self.done, 1)

    def end(self) -> None:
        if self.stage is not None:
            self.seconds[self.stage.value] = time.perf_counter() - self.begun
            self.stage = None

    def _tell(self, stage: Stage, fraction: float) -> None:
        self.done = fraction
        self.on_progress(stage, fraction)
