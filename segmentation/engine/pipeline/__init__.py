"""Picture bytes, a recipe and inputs in, an outcome out. The one place where decoding meets fitting.

Command line, worker and verification all call `run`; `masters`, `summary` and `run_document` are what is kept of it.
"""

from segmentation.engine.pipeline.documents import RunRecord, run_document, summary
from segmentation.engine.pipeline.masters import masters
from segmentation.engine.pipeline.outcome import Outcome, pixels_sha256, run, versions
from segmentation.engine.pipeline.resolving import require_size, require_suited, starting_mixture
from segmentation.engine.pipeline.warmth import warm

__all__ = [
    "Outcome",
    "RunRecord",
    "masters",
    "pixels_sha256",
    "require_size",
    "require_suited",
    "run",
    "run_document",
    "starting_mixture",
    "summary",
    "versions",
    "warm",
]
