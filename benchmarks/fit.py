"""How fast and how good the fit is, beside scikit-learn and beside decoding the file; run it with ``make bench``.

Everything is measured in this one process, the best of a few tries, so that the ratios mean something on any machine.
"""

import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image
from sklearn.mixture import GaussianMixture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segmentation.engine.gmm import Recipe, Segmentation, segment

K = 5
TRIES = 5
LARGE = (4000, 3000)
Result = TypeVar("Result")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def best(function: Callable[[], Result], tries: int = TRIES) -> tuple[float, Result]:
    """Shortest of several durations in seconds, and what the function returned then."""
    outcomes = []
    for _ in range(tries):
        begun = time.perf_counter()
        result = function()
        outcomes.append((time.perf_counter() - begun, result))
    return min(outcomes, key=lambda outcome: outcome[0])


def table(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under a title, the first row as heads, all but the first column to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    say(f"\n{title}\n")
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        say("  " + "   ".join(cells).rstrip())
        if number == 0:
            say("  " + "   ".join("-" * width for width in widths))


def against_scikit_learn(name: str) -> bool:
    """Our whole `segment` beside scikit-learn's fit alone, both with their defaults."""
    pixels = load_sample_image(name)
    flat = pixels.reshape(-1, 3).astype(np.float64)
    our_seconds, ours = best(lambda: segment(pixels, Recipe(n_clusters=K)))
    their_seconds, theirs = best(lambda: GaussianMixture(K, random_state=0).fit(flat), tries=2)
    their_likelihood = float(theirs.score(flat))
    ratio = our_seconds / their_seconds
    table(
        f"{name}, {pixels.shape[1]} x {pixels.shape[0]} pixels, {K} clusters, full covariances",
        [
            ("", "milliseconds", "nats a pixel", "iterations"),
            ("scikit-learn, fit", f"{their_seconds * 1e3:.0f}", f"{their_likelihood:.4f}", str(theirs.n_iter_)),
            (
                "GMM Studio, fit and labels",
                f"{our_seconds * 1e3:.0f}",
                f"{ours.log_likelihood:.4f}",
                str(ours.iterations),
            ),
            ("difference", f"1/{1 / ratio:.0f} of the time", f"{ours.log_likelihood - their_likelihood:+.4f}", ""),
        ],
    )
    return ratio <= 0.1 and ours.log_likelihood >= their_likelihood - 0.01


def against_decoding(name: str) -> None:
    """All of `segment` beside reading the same picture from JPEG, at 12 megapixels."""
    small = Image.fromarray(load_sample_image(name))
    file = io.BytesIO()
    small.resize(LARGE, Image.Resampling.LANCZOS).save(file, "JPEG", quality=92)
    decode_seconds, pixels = best(lambda: decoded(file))
    seconds, result = best(lambda: segment(pixels, Recipe(n_clusters=K)))
    rows = [("", "milliseconds", "of decoding")]
    rows += [(stage, f"{value * 1e3:.0f}", f"{value / decode_seconds:.2f}") for stage, value in stages(result)]
    rows += [
        ("segment, all of it", f"{seconds * 1e3:.0f}", f"{seconds / decode_seconds:.2f}"),
        ("decoding the JPEG", f"{decode_seconds * 1e3:.0f}", "1.00"),
    ]
    heading = f"{name} resampled to 12 megapixels, {K} clusters"
    table(heading, rows)


def decoded(file: io.BytesIO) -> NDArray[np.uint8]:
    file.seek(0)
    return np.asarray(Image.open(file).convert("RGB"))


def stages(result: Segmentation) -> list[tuple[str, float]]:
    words = {
        "counting": "drawing the sample",
        "fitting": "fitting",
        "labelling": "labels and measurements",
    }
    return [(words[stage], seconds) for stage, seconds in result.seconds.items()]


def main() -> int:
    good = [against_scikit_learn(name) for name in ("china.jpg", "flower.jpg")]
    for name in ("china.jpg", "flower.jpg"):
        against_decoding(name)
    verdict = "Kept." if all(good) else "BROKEN."
    say(f"\nPromised: at most a tenth of scikit-learn's time, at its likelihood less 0.01 nats. {verdict}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
