"""How long each stage of a computation takes, and who is told about it."""

import time
from dataclasses import dataclass, field

from segmentation.engine.progress import OnFraction, OnProgress, Stage


@dataclass(slots=True)
class Clock:
    """Takes the time of each stage and passes its progress on."""

    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)
    stage: Stage | None = None
    begun: float = 0.0

    def begin(self, stage: Stage) -> OnFraction:
        """End the stage before; returns what reports fractions of this one."""
        self.end()
        self.stage, self.begun = stage, time.perf_counter()
        self.on_progress(stage, 0.0)
        return lambda fraction: self.on_progress(stage, fraction)

    def end(self) -> None:
        if self.stage is not None:
            self.seconds[self.stage.value] = time.perf_counter() - self.begun
            self.stage = None
