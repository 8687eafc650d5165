"""A worker imports all modules that a run needs before it forks."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

PROGRAM = """
import sys
from pathlib import Path
from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Recipe
pipeline.preload()
before, limits = set(sys.modules), Limits(bytes=10**9, pixels=10**9, decoded_bytes=10**9)
outcome = pipeline.run(Path(sys.argv[1]).read_bytes(), name="", recipe=Recipe.from_mapping(eval(sys.argv[2])), limits=limits)
pipeline.masters(outcome), pipeline.summary(outcome)
print(len(list(Path("/proc/self/task").iterdir())), sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize(
    "recipe",
    [
        {"n_clusters": 3},
        {"n_clusters": 3, "features": "lab", "texture": 2, "smoothness": 0.5, "smallest_region": 0.05},
        {"preset": "regions"},
    ],
    ids=["colours", "everything", "regions"],
)
def test_a_run_imports_nothing_and_starts_no_thread(recipe):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "segmentation" / "samples" / "coffee.png"), repr(recipe)],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "1 []"
