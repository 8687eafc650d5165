"""What runs take of memory and time, beside what they are allowed: `.venv/bin/python benchmarks/allowance.py [megapixels...]`.

Each recipe is run in a child, as by the worker; the parent looks every few milliseconds how much private memory it has
(what `RLIMIT_DATA` counts) and remembers the most.
"""

import functools
import io
import os
import re
import resource
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the worker
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gmmsite.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django

django.setup()

import numpy as np
import PIL.Image
import tifffile

from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Recipe
from segmentation.engine.sandbox import Allowance, Child, Report
from segmentation.execution.allowance import allowance

LIMITS = Limits(bytes=2**31, pixels=10**9, decoded_bytes=2**31)
PLENTY = Allowance(memory=2**36, seconds=3600)
SAMPLE = Path(__file__).resolve().parent.parent / "segmentation" / "samples" / "china.jpg"
RECIPES = {
    "5 clusters": Recipe(n_clusters=5),
    "32 clusters": Recipe(n_clusters=32),
    "exact": Recipe(n_clusters=8, exact=True),
    "smooth": Recipe(n_clusters=8, smoothness=0.7, smallest_region=0.01),
    "textured": Recipe(n_clusters=8, features="lab", texture=2, position=True),
    "chosen": Recipe(n_clusters=None),
    "regions": Recipe(preset="regions", n_clusters=None),
    "all at once": Recipe(
        n_clusters=8, features="lab", texture=2, position=True, smoothness=0.7, smallest_region=0.01, exact=True
    ),
    "all at once, chosen": Recipe(
        n_clusters=None, features="lab", texture=2, position=True, smoothness=0.7, smallest_region=0.01
    ),
}


def main(megapixels: list[float]) -> None:
    print(f"{'picture':28} {'recipe':20} {'memory':>9} {'allowed':>9} {'seconds':>8} {'allowed':>8}")
    for size in megapixels:
        for name, data, bands, item in pictures(size):
            for recipe_name, recipe in RECIPES.items():
                memory, seconds, ended = measure(data, recipe)
                allowed = allowance(pixels=round(size * 1e6), bands=bands, item_bytes=item)
                print(
                    f"{name:28} {recipe_name:20} {memory / 1e6:6.0f} MB {allowed.memory / 1e6:6.0f} MB"
                    f" {seconds:8.1f} {allowed.seconds:8.0f} {ended}",
                    flush=True,
                )


def pictures(megapixels: float) -> list[tuple[str, bytes, int, int]]:
    """A photograph of 8 bits, and two rasters as deep and as many-banded as fit into 400 MB, with noise in all bits."""
    with PIL.Image.open(SAMPLE) as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        photo = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=90)
    pixels = np.asarray(photo)
    return [
        (f"{megapixels:g} MP, RGB, 8 bits", buffer.getvalue(), 3, 1),
        (f"{megapixels:g} MP, 4 bands, 16 bits", raster(pixels, 4, "uint16"), 4, 2),
        (f"{megapixels / 2:g} MP, 16 bands, 8 bits", raster(pixels[: len(pixels) // 2], 16, "uint8"), 16, 1),
    ]


def raster(pixels: np.ndarray, bands: int, dtype: str) -> bytes:
    """A TIFF without compression of so many bands, each a noisy band of the photograph."""
    random = np.random.default_rng(0)
    height, width, _ = pixels.shape
    values = np.empty((height, width, bands), dtype=dtype)
    step = np.iinfo(dtype).max // 255
    for band in range(bands):
        noise = random.integers(0, max(2, step), (height, width), dtype=dtype)
        values[:, :, band] = pixels[:, :, band % 3].astype(dtype) * step + (noise if step > 1 else 0)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="minisblack", planarconfig="contig")
    return buffer.getvalue()


def measure(data: bytes, recipe: Recipe) -> tuple[int, float, str]:
    """The most private memory that a run has beyond that at its start, its seconds of one core, and how it ended."""
    began = _children_seconds()
    child = Child.fork(functools.partial(_run, data, recipe), allowance=PLENTY)
    first = most = private_bytes(child.pid)
    while not child.poll():
        most = max(most, private_bytes(child.pid))
        time.sleep(0.003)
    seconds = _children_seconds() - began
    try:
        child.result()
    except Exception as error:  # noqa: BLE001 - said in the table
        return most - first, seconds, str(error)
    return most - first, seconds, ""


def _run(data: bytes, recipe: Recipe, _report: Report) -> None:
    pipeline.masters(pipeline.run(bytes(bytearray(data)), name="", recipe=recipe, limits=LIMITS))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def private_bytes(pid: int) -> int:
    try:
        found = re.search(r"^VmData:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main([float(argument) for argument in sys.argv[1:]] or [1.0, 12.0, 50.0])
