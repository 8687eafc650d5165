"""Picture bytes, a recipe and inputs in, an outcome out. The one place where decoding meets fitting.

Command line, worker and verification all call `run`, and `apply` where a fitted model is there already; `masters` and `summary` are what is kept of it. `OutcomeSource` is what
artefacts are made from, and `write_artefact` makes one in a child process.
"""

from segmentation.engine.pipeline.child_tasks import write_artefact
from segmentation.engine.pipeline.masters import masters
from segmentation.engine.pipeline.outcome import Outcome, apply, pixels_sha256, run, versions
from segmentation.engine.pipeline.resolve_inputs import require_size, require_suited, starting_mixture
from segmentation.engine.pipeline.sources import OutcomeSource, SpooledSource
from segmentation.engine.pipeline.summary import summary
from segmentation.engine.pipeline.warmth import warm

__all__ = [
    "Outcome",
    "OutcomeSource",
    "SpooledSource",
    "apply",
    "masters",
    "pixels_sha256",
    "require_size",
    "require_suited",
    "run",
    "starting_mixture",
    "summary",
    "versions",
    "warm",
    "write_artefact",
]
