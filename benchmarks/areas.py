"""How right areas are: the product beside scikit-learn, k-means and Otsu on phantoms with known areas; run it with ``make areas``.

Errors are the largest difference between the found and the true area of a phase, in points of the picture, with clusters
matched to phases by the pixels that they share. ``--sheet FILE`` draws real pictures of scikit-image side by side instead.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import linear_sum_assignment
from skimage import data
from skimage.filters import threshold_multiotsu
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.phantoms import Phantom, Spec, extra_specs, make, specs
from segmentation.engine.gmm import CoveredArea, Recipe, segment

Float = NDArray[np.float64]
Labels = NDArray[np.uint8]

_MOST_OTSU = 4  # multi-Otsu tries all thresholds; from here on k-means of the same values takes its place


@dataclass(frozen=True, slots=True)
class Found:
    """What a method says of a picture."""

    labels: Labels  # (H, W)
    areas: Float  # (n,) shares of the picture
    ranges: tuple[CoveredArea, ...] = ()  # of the areas, where the method has them


Method = Callable[[NDArray[np.generic], int], Found]


@dataclass(frozen=True, slots=True)
class Score:
    """How well a method did on a phantom."""

    spec: Spec
    method: str
    n_found: int
    area_error: float  # points
    label_error: float  # points, of the areas by labels
    mislabelled: float  # percent of the pixels
    in_range: float  # share of the phases whose true area lies in the range; nan where the method has none
    seconds: float


def product(pixels: NDArray[np.generic], n_phases: int | None, *, preset: str) -> Found:
    """Segment with a preset; None leaves the number to the engine."""
    result = segment(pixels, Recipe.from_mapping({"preset": preset, "n_clusters": n_phases}))
    if result.coverage is not None:
        areas = result.coverage.components()
        return Found(result.labels, np.array([area.share for area in areas]), areas)
    soft = np.array([component.soft_pixels for component in result.components])
    return Found(result.labels, soft / soft.sum())


def automatic(pixels: NDArray[np.generic], _n_phases: int, *, preset: str) -> Found:
    """Segment with a preset that chooses the number of clusters."""
    return product(pixels, None, preset=preset)


def regions(pixels: NDArray[np.generic], n_phases: int) -> Found:
    """Segment with the preset Regions, which takes the picture as displayed; regions of one phase count together."""
    result = segment(pixels, Recipe.from_mapping({"preset": "regions"}))
    means = np.array([component.mean for component in result.components])
    phase = KMeans(min(n_phases, len(means)), n_init=3, random_state=0).fit_predict(means)
    return _hard(phase[result.labels].astype(np.uint8))


def sklearn_mixture(pixels: NDArray[np.generic], n_phases: int, *, covariance: str) -> Found:
    """Segment with scikit-learn's mixture on all pixels, with its defaults."""
    values = _values(pixels)
    mixture = GaussianMixture(n_phases, covariance_type=covariance, random_state=0).fit(values)
    posterior = mixture.predict_proba(values)
    labels = posterior.argmax(axis=1).reshape(pixels.shape[:2]).astype(np.uint8)
    return Found(labels, posterior.mean(axis=0))


def kmeans(pixels: NDArray[np.generic], n_phases: int) -> Found:
    """Segment with scikit-learn's k-means."""
    labels = KMeans(n_phases, n_init=3, random_state=0).fit_predict(_values(pixels).astype(np.float32))
    return _hard(labels.reshape(pixels.shape[:2]).astype(np.uint8))


def otsu(pixels: NDArray[np.generic], n_phases: int) -> Found:
    """Segment with multi-Otsu thresholds of the grey picture, or of the first principal component."""
    values = _values(pixels)
    if values.shape[1] > 1:
        values = values - values.mean(axis=0)
        values = values @ np.linalg.eigh(np.cov(values[:: max(len(values) // 20_000, 1)].T))[1][:, -1:]
    plane = values.reshape(pixels.shape[:2])
    if n_phases > _MOST_OTSU:
        return kmeans(plane, n_phases)
    thresholds = threshold_multiotsu(plane, n_phases, nbins=128)  # type: ignore[no-untyped-call] # has no types
    return _hard(np.digitize(plane, thresholds).astype(np.uint8))


METHODS: dict[str, Method] = {
    "Areas": partial(product, preset="areas"),
    "Areas (number chosen)": partial(automatic, preset="areas"),
    "Colours": partial(product, preset="colours"),
    "Colours (number chosen)": partial(automatic, preset="colours"),
    "Regions": regions,
    "scikit-learn full": partial(sklearn_mixture, covariance="full"),
    "scikit-learn tied": partial(sklearn_mixture, covariance="tied"),
    "k-means": kmeans,
    "Otsu": otsu,
}


def score(phantom: Phantom, found: Found, method: str, seconds: float) -> Score:
    """Return the errors of a result; where a phase has no cluster, it counts with its whole area."""
    truth, n_phases = phantom.truth, phantom.spec.n_phases
    n = max(int(found.labels.max()) + 1, len(found.areas))
    table = np.bincount(truth.ravel().astype(int) * n + found.labels.ravel(), minlength=n_phases * n)
    table = table.reshape(n_phases, n).astype(float)
    of_phase, of_cluster = table.sum(axis=1, keepdims=True), table.sum(axis=0)
    overlap = table / np.maximum(of_phase, 1) + table / np.maximum(of_cluster, 1)
    phases, clusters = linear_sum_assignment(-overlap)
    errors = []
    for areas in (found.areas, of_cluster / of_cluster.sum()):
        mine = np.zeros(n_phases)
        mine[phases] = areas[clusters]
        errors.append(float(np.abs(mine - phantom.areas).max()))
    held = [
        found.ranges[cluster].low <= phantom.areas[phase] <= found.ranges[cluster].high
        for phase, cluster in zip(phases, clusters, strict=True)
        if found.ranges
    ]
    return Score(
        spec=phantom.spec,
        method=method,
        n_found=n,
        area_error=100 * errors[0],
        label_error=100 * errors[1],
        mislabelled=100 * (1 - table[phases, clusters].sum() / table.sum()),
        in_range=float(np.mean(held)) if held else float("nan"),
        seconds=seconds,
    )


def scores(spec: Spec, names: Sequence[str]) -> list[Score]:
    """Draw a phantom, and score each method on it."""
    phantom, made = make(spec), []
    for name in names:
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's, that a fit has not converged
            found = METHODS[name](phantom.pixels, spec.n_phases)
        made.append(score(phantom, found, name, time.perf_counter() - begun))
    return made


PROPERTIES: dict[str, Callable[[Spec], object]] = {
    "structure size, pixels": lambda spec: spec.size,
    "blur, pixels": lambda spec: spec.blur,
    "noise over contrast": lambda spec: round(spec.noise, 2),
    "phases": lambda spec: spec.n_phases,
    "colour": lambda spec: spec.colour,
    "extra": lambda spec: spec.extra or "none",
}


def report(made: Sequence[Score]) -> None:
    """Print the tables."""
    resolvable = [one for one in made if one.spec.is_resolvable]
    for title, chosen in (("All phantoms", made), ("Phantoms whose structures are resolved", resolvable)):
        _summary(title, chosen)
    for title, value in PROPERTIES.items():
        columns = sorted({value(one.spec) for one in made}, key=lambda column: (isinstance(column, str), column))
        if len(columns) > 1:
            cells = {
                name: [f"{np.median([s.area_error for s in ours if value(s.spec) == c]):.2f}" for c in columns]
                for name, ours in _by_method(made)
            }
            _table(f"Median error of areas by {title}", [str(column) for column in columns], cells)


def _summary(title: str, made: Sequence[Score]) -> None:
    heads = ["mean", "median", "90 %", "below 1 point", "by labels", "mislabelled %", "number right", "in range", "s"]
    cells = {}
    for name, ours in _by_method(made):
        errors = np.array([one.area_error for one in ours])
        right = np.mean([one.n_found == one.spec.n_phases for one in ours])
        held = np.mean([one.in_range for one in ours])
        cells[name] = [
            f"{errors.mean():.2f}",
            f"{np.median(errors):.2f}",
            f"{np.percentile(errors, 90):.1f}",
            f"{100 * (errors < 1).mean():.0f} %",
            f"{np.median([one.label_error for one in ours]):.2f}",
            f"{np.mean([one.mislabelled for one in ours]):.1f}",
            f"{100 * right:.0f} %",
            "" if np.isnan(held) else f"{100 * held:.0f} %",
            f"{np.median([one.seconds for one in ours]):.3f}",
        ]
    n = len({one.spec for one in made})
    _table(f"{title} ({n}): largest error of an area, points", heads, cells)


def _by_method(made: Sequence[Score]) -> Iterable[tuple[str, list[Score]]]:
    names = dict.fromkeys(one.method for one in made)
    return [(name, [one for one in made if one.method == name]) for name in names]


def _table(title: str, heads: Sequence[str], cells: dict[str, list[str]]) -> None:
    rows = [["", *heads], *([name, *row] for name, row in cells.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    _say(f"\n{title}\n")
    for row in rows:
        first, *rest = (
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        _say("  ".join([first, *rest]))


PICTURES: dict[str, tuple[Callable[[], NDArray[np.uint8]], int]] = {
    "coins": (data.coins, 2),
    "text": (data.text, 2),
    "stained tissue": (data.immunohistochemistry, 3),
    "micro-aneurysms": (data.microaneurysms, 2),
    "brick": (data.brick, 2),
    "cell": (data.cell, 2),
}


def contact_sheet(path: Path) -> None:
    """Draw pictures of scikit-image beside their segmentation by Areas and by Colours; print their areas."""
    rows = []
    for name, (load, n_clusters) in PICTURES.items():
        pixels = load()
        colour = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        tiles = [colour]
        for preset in ("areas", "colours"):
            result = segment(pixels, Recipe.from_mapping({"preset": preset, "n_clusters": n_clusters}))
            means = np.array([component.mean for component in result.components])
            tiles.append(np.rint(means)[result.labels].astype(np.uint8))
            shares = [component.pixels / result.labels.size for component in result.components]
            covered = [area.share for area in result.coverage.components()] if result.coverage else []
            _say(f"{name:16s} {preset:8s} labels {_percent(shares)}  coverage {_percent(covered) or '-'}")
        rows.append(np.concatenate([np.asarray(Image.fromarray(tile).resize((320, 240))) for tile in tiles], axis=1))
    Image.fromarray(np.concatenate(rows)).save(path)


def _percent(shares: Sequence[float]) -> str:
    return " ".join(f"{100 * share:.1f}" for share in shares)


def _values(pixels: NDArray[np.generic]) -> Float:
    values: Float = pixels.reshape(pixels.shape[0] * pixels.shape[1], -1).astype(np.float64)
    return values


def _hard(labels: Labels) -> Found:
    counts = np.bincount(labels.ravel())
    return Found(labels, counts / counts.sum())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--phantoms", type=int, default=300, help="how many; the suite depends on their number")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--extras", type=int, default=5, help="of each kind of damage")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--sheet", type=Path, help="draw a contact sheet of real pictures to this file instead")
    given = parser.parse_args()
    if given.sheet:
        contact_sheet(given.sheet)
        return
    chosen = specs(given.phantoms, given.seed)
    damaged = extra_specs(given.extras, given.seed) if given.extras else []
    call = partial(scores, names=given.methods.split(","))
    with ProcessPoolExecutor(given.jobs) as pool:
        made = [one for each in pool.map(call, [*chosen, *damaged]) for one in each]
    report([one for one in made if not one.spec.extra])
    if damaged:
        _summary("Damaged pictures", [one for one in made if one.spec.extra])


if __name__ == "__main__":
    main()
