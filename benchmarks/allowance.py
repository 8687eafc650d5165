"""What runs take of memory and time, beside what they are allowed: `.venv/bin/python benchmarks/allowance.py [megapixels...]`.

Each recipe is run in a child, as by the worker, and says at its end how much private memory it had at most (what
`RLIMIT_DATA` counts). Seconds are of one core, so that others on the machine do not count. `RECIPE=regions` and
`KIND="RGB, 8 bits"` run one only. With `LIMITED=1` the child has no more than it is allowed, and the row says whether it ends
so. Pictures are cut to what `GMM_MAX_DECODED_BYTES` admits.
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
from segmentation.engine.recipe import Features, Preset, Recipe
from segmentation.engine.sandbox import Allowance, Child, Report

LIMITS = Limits(bytes=2**31, pixels=10**9, decoded_bytes=2**31)
PLENTY = Allowance(memory=12_000_000_000, seconds=3600)  # the default of the site
SAMPLE = Path(__file__).resolve().parent.parent / "segmentation" / "samples" / "china.jpg"
KINDS = {
    "RGB, 8 bits": (3, "uint8"),
    "4 bands, 16 bits": (4, "uint16"),
    "RGB, 16 bits": (3, "uint16"),
    "16 bands, 8 bits": (16, "uint8"),
    "16 bands, real": (16, "float32"),
}
RECIPES = {
    "5 clusters": Recipe(n_clusters=5),
    "32 clusters": Recipe(n_clusters=32),
    "exact": Recipe(n_clusters=8, exact=True),
    "smooth": Recipe(n_clusters=8, smoothness=0.7, smallest_region=0.01),
    "textured": Recipe(n_clusters=8, features=Features.LAB, texture=2, position=True),
    "chosen": Recipe(n_clusters=None),
    "regions": Recipe(preset=Preset.REGIONS, n_clusters=None),
    "all at once": Recipe(
        n_clusters=8, features=Features.LAB, texture=2, position=True, smoothness=0.7, smallest_region=0.01, exact=True
    ),
    "all at once, chosen": Recipe(
        n_clusters=None, features=Features.LAB, texture=2, position=True, smoothness=0.7, smallest_region=0.01
    ),
}


def say(line: str) -> None:
    """Print a line of the table at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(megapixels: list[float]) -> None:
    """Print a row for each picture and recipe."""
    say(f"{'picture':28} {'recipe':20} {'memory':>9} {'allowed':>9} {'seconds':>8} {'allowed':>8}")
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
                        _row(f"{size:g} MP, {name}", path, recipe_name, possible, shape)
                path.unlink()


def _row(picture: str, path: Path, recipe_name: str, recipe: Recipe, shape: tuple[int, int, int]) -> None:
    from segmentation.execution.allowance import allowance  # noqa: PLC0415 - after the settings

    pixels, bands, item_bytes = shape
    allowed = allowance(pixels=pixels, bands=bands, item_bytes=item_bytes, recipe=recipe)
    used, given = _children_seconds(), allowed if os.environ.get("LIMITED") else PLENTY
    try:
        memory = _in_child(functools.partial(_run, path, recipe), given) / 1e6
    except SegmentationError as error:
        say(f"{picture:28} {recipe_name:20} {error}")
        return
    seconds = _children_seconds() - used
    say(
        f"{picture:28} {recipe_name:20} {memory:6.0f} MB {allowed.memory / 1e6:6.0f} MB {seconds:8.1f} {allowed.seconds:8.0f}"
    )


def _in_child(function: Callable[[Report], Any], given: Allowance = PLENTY) -> Any:
    """Do it in a child: this process stays as small as a worker, and every child begins alike."""
    child = Child.fork(function, allowance=given)
    while not child.poll():
        time.sleep(0.02)
    return child.result()


def _make(path: Path, megapixels: float, bands: int, dtype: str, _report: Report) -> int:
    """Write a photograph of so many pixels as TIFF; return how many they are exactly."""
    with PIL.Image.open(SAMPLE) as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        photo = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
    path.write_bytes(raster(np.asarray(photo), bands, dtype))
    return photo.width * photo.height


def _run(path: Path, recipe: Recipe, _report: Report) -> int:
    """Do what the worker's child does; return the most private memory beyond that at the start."""
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
    """A TIFF without compression of so many bands, each a noisy band of the photograph; three of whole numbers are colours."""
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
    main([float(argument) for argument in sys.argv[1:]] or [1.0, 12.0, 50.0])
