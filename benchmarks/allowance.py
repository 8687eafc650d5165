"""Measure memory and time of runs, and compare them with what is expected and allowed.

    .venv/bin/python benchmarks/allowance.py [megapixels...]

Each recipe is run in a child process, as the worker does, and reports its peak private memory, which `RLIMIT_DATA` limits.
Seconds are processor seconds, which do not depend on other processes; they are compared with the expected cost
(`segmentation/execution/kinds/run/cost.py`, at speed 1), and the last line summarises the ratios. Environment variables:
`RECIPE=regions` and `KIND="RGB, 8 bits"` select a recipe and a kind of picture; `MOST=600` includes runs with an expected time
of up to 600 s (default 30); `LIMITED=1` sets the limits that the worker sets, and the row says whether the run ends within
them. Pictures are reduced to the size that `GMM_MAX_DECODED_BYTES` allows.
"""

import functools
import io
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the worker
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gmmsite.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
import numpy as np
import PIL.Image
import tifffile

from segmentation.engine import pipeline
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Covariance, Features, Preset, Recipe
from segmentation.engine.sandbox import Allowance, Child, Report

LIMITS = Limits(bytes=2**31, pixels=10**9, decoded_bytes=2**31)
PLENTY = Allowance(memory=12_000_000_000, seconds=3600)  # the default of the site
SAMPLE = Path(__file__).resolve().parent.parent / "segmentation" / "samples" / "china.jpg"
KINDS = {
    "RGB, 8 bits": (3, "uint8"),
    "4 bands, 16 bits": (4, "uint16"),
    "RGB, 16 bits": (3, "uint16"),
    "16 bands, 8 bits": (16, "uint8"),
    "16 bands, float": (16, "float32"),
}
_GRID: dict[str, Any] = {
    **{f"{k} clusters": {"n_clusters": k} for k in (2, 5, 8, 16, 32)},
    **{f"{k}, exact": {"n_clusters": k, "exact": True} for k in (5, 16, 32)},
    **{f"{k}, 20 starts": {"n_clusters": k, "restarts": 20} for k in (5, 32)},
    **{f"{k}, to the end": {"n_clusters": k, "tolerance": 1e-9, "max_iterations": 10_000} for k in (5, 16, 32)},
    **{f"{k}, smooth": {"n_clusters": k, "smoothness": 0.7} for k in (5, 16)},
    **{f"{k}, cleaned": {"n_clusters": k, "smallest_region": 0.001} for k in (5, 16)},
    **{f"5, {space}": {"n_clusters": 5, "features": space} for space in Features if space is not Features.RGB},
    **{f"5, {shape}": {"n_clusters": 5, "covariance": shape} for shape in Covariance if shape is not Covariance.FULL},
    **{f"5, texture {scales}": {"n_clusters": 5, "texture": scales} for scales in (1, 2)},
    "5, position": {"n_clusters": 5, "position": True},
    "5, one iteration": {"n_clusters": 5, "restarts": 1, "max_iterations": 1},
    "8, textured": {"n_clusters": 8, "features": Features.LAB, "texture": 2, "position": True},
    "8, textured, exact": {"n_clusters": 8, "texture": 2, "position": True, "exact": True},
    "automatic": {"n_clusters": None},
    "regions": {"preset": Preset.REGIONS, "n_clusters": None},
    "12 regions": {"preset": Preset.REGIONS, "n_clusters": 12},
}
_ALL = {"features": Features.LAB, "texture": 2, "position": True, "smoothness": 0.7, "smallest_region": 0.01}
_GRID["8, all options"] = {"n_clusters": 8, "exact": True, **_ALL}
_GRID["all options, automatic"] = {"n_clusters": None, **_ALL}
RECIPES = {name: Recipe(**fields) for name, fields in _GRID.items()}


def say(line: str) -> None:
    """Print a line without buffering."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(megapixels: list[float]) -> None:
    """Print a row for each picture and recipe."""
    say(f"{'picture':28} {'recipe':20} {'memory':>9} {'allowed':>9} {'seconds':>8} {'expected':>8} {'allowed':>8}")
    ratios = []
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - just set up

    only, kind = os.environ.get("RECIPE"), os.environ.get("KIND")
    with tempfile.TemporaryDirectory() as folder:
        for wanted in megapixels:
            for name, (bands, dtype) in KINDS.items():
                if kind not in {None, name}:
                    continue
                size = min(wanted, settings.GMM_MAX_DECODED_BYTES / 1e6 / bands / np.dtype(dtype).itemsize)
                path = Path(folder, f"{name}.tif")
                pixels = _in_child(functools.partial(_make, path, size, bands, dtype))
                for recipe_name, recipe in RECIPES.items():
                    possible = recipe if bands == 3 else replace(recipe, features=Features.RGB)  # else no lightness
                    if only in {None, recipe_name}:
                        shape = pixels, bands, np.dtype(dtype).itemsize
                        ratios += _row(f"{size:g} MP, {name}", path, recipe_name, possible, shape)
                path.unlink()
    near = sum(1 / 3 <= ratio <= 3 for ratio in ratios)
    say(f"{near} of {len(ratios)} within a factor of three of the expected cost; measured over expected:")
    say(f"median {median(ratios):.2f}, least {min(ratios):.2f}, most {max(ratios):.2f}")


def _row(picture: str, path: Path, recipe_name: str, recipe: Recipe, shape: tuple[int, int, int]) -> list[float]:
    """Print a row, and return the ratio of measured to expected seconds; empty when the run was skipped or failed."""
    from segmentation.execution.kinds.run import cost  # noqa: PLC0415 - after the settings
    from segmentation.execution.kinds.run.allowance import allowance  # noqa: PLC0415 - as above

    pixels, bands, item_bytes = shape
    expected = cost.seconds(pixels=pixels, bands=bands, item_bytes=item_bytes, recipe=recipe)
    if expected > float(os.environ.get("MOST", "30")):
        return []
    allowed = allowance(pixels=pixels, bands=bands, item_bytes=item_bytes, recipe=recipe, expected=expected)
    used, given = _children_seconds(), allowed if os.environ.get("LIMITED") else PLENTY
    try:
        memory = _in_child(functools.partial(_run, path, recipe), given) / 1e6
    except SegmentationError as error:
        say(f"{picture:28} {recipe_name:20} {error}")
        return []
    seconds = _children_seconds() - used
    amounts = f"{memory:6.0f} MB {allowed.memory / 1e6:6.0f} MB"
    say(f"{picture:28} {recipe_name:20} {amounts} {seconds:8.2f} {expected:8.2f} {allowed.seconds:8.0f}")
    return [seconds / expected]


def _in_child(function: Callable[[Report], Any], given: Allowance = PLENTY) -> Any:
    """Return the result of a function that is called in a child process, so that this process stays small and all children start alike."""
    child = Child.fork(function, allowance=given)
    while not child.poll():
        time.sleep(0.02)
    return child.result()


def _make(path: Path, megapixels: float, bands: int, dtype: str, _report: Report) -> int:
    """Write a photograph of about this size as TIFF, and return its number of pixels."""
    with PIL.Image.open(SAMPLE) as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        photo = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
    path.write_bytes(raster(np.asarray(photo), bands, dtype))
    return photo.width * photo.height


def _run(path: Path, recipe: Recipe, _report: Report) -> int:
    """Segment a picture as the child of a worker does, and return its peak private memory minus that at the start, in bytes."""
    before = _memory()
    pipeline.masters(pipeline.run(path.read_bytes(), name="", recipe=recipe, limits=LIMITS))
    after = _memory()
    libraries = (after["VmSize"] - after["VmData"]) - (before["VmSize"] - before["VmData"])
    return after["VmPeak"] - before["VmSize"] - libraries


def _memory() -> dict[str, int]:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {name: int(value) * 1024 for name, value in re.findall(r"^(Vm\w+):\s+(\d+)", status, re.MULTILINE)}


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def raster(pixels: np.ndarray, bands: int, dtype: str) -> bytes:
    """Return an uncompressed TIFF file with the given number of bands, each a band of the photograph with noise."""
    random = np.random.default_rng(0)
    height, width, _ = pixels.shape
    values = np.empty((height, width, bands), dtype=dtype)
    step = np.iinfo(dtype).max // 255 if values.dtype.kind == "u" else 1
    for band in range(bands):
        values[:, :, band] = pixels[:, :, band % 3].astype(dtype) * step
        if values.dtype.kind == "f":
            values[:, :, band] += random.random((height, width), dtype=np.float32)
        elif step > 1:
            values[:, :, band] += random.integers(0, step, (height, width), dtype=dtype)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb" if bands == 3 else "minisblack", planarconfig="contig")
    return buffer.getvalue()


if __name__ == "__main__":
    main([float(argument) for argument in sys.argv[1:]] or [0.1, 1.0, 12.0, 50.0])
