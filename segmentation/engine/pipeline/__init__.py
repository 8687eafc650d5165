"""Segmentation of a picture file: `run` takes its bytes, a recipe and inputs, and returns an `Outcome`.

Command line, worker and verification all call `run`; `apply` labels a picture with a fitted model. `masters` and `summary` return what is stored of an outcome: files, and
JSON for the database. Artefacts of an outcome are made from an `OutcomeSource`; `write_artefact` makes one in a child process
from a `SpooledSource`.
"""

from segmentation.engine.pipeline.child_tasks import write_artefact
from segmentation.engine.pipeline.masters import masters
from segmentation.engine.pipeline.outcome import Outcome, apply, pixels_sha256, run, versions
from segmentation.engine.pipeline.preload import preload
from segmentation.engine.pipeline.resolve_inputs import require_matching_mixture, require_same_size, starting_mixture
from segmentation.engine.pipeline.sources import OutcomeSource, SpooledSource
from segmentation.engine.pipeline.summary import summary

__all__ = [
    "Outcome",
    "OutcomeSource",
    "SpooledSource",
    "apply",
    "masters",
    "pixels_sha256",
    "preload",
    "require_matching_mixture",
    "require_same_size",
    "run",
    "starting_mixture",
    "summary",
    "versions",
    "write_artefact",
]
