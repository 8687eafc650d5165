"""Compare the time of inspections and runs between another checkout (before) and this one, in turns.

    git worktree add /tmp/before <commit> && python benchmarks/decoding.py /tmp/before

Prints medians in milliseconds: of the inspection of an upload (a small photograph), and of a complete run (a photograph of 12
megapixels, 5 clusters) in a child process, as the worker does it.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
HERE = Path(__file__).resolve().parents[1]
# It runs in both checkouts, and functions have other names in earlier releases.
PROGRAM = """
import json, os, sys, time
from pathlib import Path
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, os.getcwd())
from segmentation.engine import pipeline, sandbox
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Recipe
try:
    from segmentation.engine import decoder
except ImportError:
    decoder = None
    from segmentation.engine.imaging import inspect
limits = Limits(bytes=50_000_000, pixels=50_000_000, decoded_bytes=400_000_000)
allowance = sandbox.Allowance(memory=2_000_000_000, seconds=120)
small, large = Path(sys.argv[1]), Path(sys.argv[2])

def upload():
    if decoder is None:
        return sandbox.call(inspect, small, name="", limits=limits, allowance=allowance)
    with small.open("rb") as file:
        return decoder.inspect(file, name="", limits=limits)

def run():
    data = large.read_bytes()
    work = lambda _report: len(pipeline.masters(pipeline.run(data, name="", recipe=Recipe(n_clusters=5), limits=limits)))
    child = sandbox.Child.fork(work, allowance=allowance)
    while not child.poll():
        if child.connection is not None:
            child.connection.poll(0.1)
    return child.result()

(getattr(pipeline, "preload", None) or pipeline.warm)()
seconds = {}
if decoder is None:
    (getattr(sandbox, "start_fork_server", None) or sandbox.warm)()
else:
    (getattr(decoder, "ensure_started", None) or decoder.warm)()
for name, action, times in (("upload", upload, 15), ("run", run, 4)):
    action()
    measured = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        measured.append(time.perf_counter() - started)
    seconds[name] = measured
print(json.dumps(seconds))
"""


def photograph(width: int, height: int) -> PIL.Image.Image:
    """Return a picture of smooth colours with noise, like that of a sensor."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 40 + 1, width // 40 + 1, 3), dtype=np.uint8)
    smooth = np.asarray(PIL.Image.fromarray(coarse).resize((width, height), PIL.Image.Resampling.BICUBIC))
    noise = rng.normal(0, 6, smooth.shape)
    return PIL.Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))


def seconds_of(checkout: Path, small: Path, large: Path) -> dict[str, list[float]]:
    """Return the seconds of each repetition in a checkout, by the name of the action."""
    done = subprocess.run(  # noqa: S603 - a checkout that the user has named
        [sys.executable, "-c", PROGRAM, str(small), str(large)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds: dict[str, list[float]] = json.loads(done.stdout)
    return seconds


def main() -> None:
    checkouts = {"before": Path(sys.argv[1]), "now": HERE}
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.jpg", Path(folder) / "large.jpg"
        photograph(640, 480).save(small, quality=90)
        photograph(4000, 3000).save(large, quality=90)
        for _ in range(ROUNDS):
            for name, checkout in checkouts.items():
                for what, seconds in seconds_of(checkout, small, large).items():
                    found.setdefault((what, name), []).extend(seconds)
    for what in ("upload", "run"):
        before, now = (1000 * statistics.median(found[what, name]) for name in checkouts)
        print(f"{what}: {before:.1f} ms before, {now:.1f} ms now ({now - before:+.1f} ms, {now / before - 1:+.1%})")  # noqa: T201 - the result


if __name__ == "__main__":
    main()
