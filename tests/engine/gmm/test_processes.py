"""The same bytes from other processes, with other numbers of threads; and no needless imports."""

import os
import subprocess
import sys

import pytest
from numpy._core._multiarray_umath import __cpu_features__ as processor

# Elsewhere than on x86 the names mean nothing to OpenBLAS; one that the processor lacks would end the process.
KERNELS = ["", "Nehalem", *["Haswell"] * processor["AVX2"], *["SkylakeX"] * processor["AVX512F"]]

SEGMENT = """
import hashlib, json, sys
import numpy as np
from sklearn.datasets import load_sample_image
from segmentation.engine.gmm import Recipe, segment
digest = hashlib.sha256()
china = load_sample_image("china.jpg")
noise = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
wide = np.random.default_rng(1).normal(0, 30, (160, 160, 3)).astype(np.float32) + china[:160, :160]
deep = (wide * 100 + 20000).astype(np.uint16)
many = np.concatenate([deep, wide[::-1] * 90 + deep[:, ::-1], deep // 3 + wide * 20], axis=2).astype(np.int16)
for pixels, n_clusters in [
    (china, 2), (china, 5), (china[::2], 12), (noise, 32), (deep, 5), (deep[..., :1], 4), (many, 4), (wide, 5)
]:
    result = segment(pixels, Recipe(n_clusters=n_clusters))
    digest.update(result.labels.tobytes())
    # Nine bands that nearly depend on each other magnify last bits to what is kept, where values are no whole numbers.
    if "components" in sys.argv or pixels is not many:
        digest.update(result.mixture.to_json().encode())
    if "components" in sys.argv:
        digest.update(repr(result.components).encode())
for options in ({"features": "lab"}, {"features": "od", "smoothness": 0.5}, {"texture": 2}, {"texture": 1, "position": True}):
    digest.update(segment(china[:200, :300], Recipe(n_clusters=4, **options)).labels.tobytes())
print(digest.hexdigest())
"""

# Drawn, not photographs: a smooth ramp with noise, blobs of several colours, and a fine texture beside a flat ground.
REGIONS = """
import hashlib
import numpy as np
from scipy.ndimage import gaussian_filter
from segmentation.engine.gmm import Recipe, segment
rng = np.random.default_rng(0)
down, across = np.mgrid[:120, :160]
ramp = np.stack([across, down, 255 - across], axis=2) + rng.normal(0, 4, (120, 160, 3))
fields = gaussian_filter(rng.normal(size=(5, 120, 160)), (0, 9, 9))
blobs = rng.uniform(30, 220, (5, 3))[fields.argmax(axis=0)] + rng.normal(0, 8, (120, 160, 3))
texture = np.where(across[..., None] < 80, 120, 120 + 60 * ((across + down) % 4 < 2)[..., None]) + rng.normal(0, 5, (120, 160, 3))
digest = hashlib.sha256()
for values in (ramp, blobs, texture):
    pixels = np.clip(values.round(), 0, 255).astype(np.uint8)
    digest.update(segment(pixels, Recipe(preset="regions", n_clusters=None)).labels.tobytes())
    digest.update(segment(pixels, Recipe(preset="regions", n_clusters=9)).labels.tobytes())
print(digest.hexdigest())
"""


def run(code, *arguments, **environment):
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_labels_mixture_and_measurements_do_not_depend_on_the_number_of_threads():
    digests = {run(SEGMENT, "components", OPENBLAS_NUM_THREADS=threads) for threads in ("1", "2")}
    assert len(digests) == 1


def test_labels_and_mixture_do_not_depend_on_the_processors_kernels():
    digests = {run(SEGMENT, OPENBLAS_CORETYPE=kernel) for kernel in KERNELS}
    assert len(digests) == 1


def test_regions_do_not_depend_on_the_processors_kernels():
    digests = {run(REGIONS, OPENBLAS_CORETYPE=kernel) for kernel in KERNELS}
    assert len(digests) == 1


@pytest.mark.parametrize("module", ["sklearn", "PIL"])
def test_importing_the_numerics_does_not_import(module):
    assert run(f"import sys, segmentation.engine.gmm; print({module!r} in sys.modules)").strip() == "False"
