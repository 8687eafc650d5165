"""Make the pictures and figures of the first page, the help and the error pages from results of the engine.

`python scripts/landing.py` segments the built-in samples and writes `static/landing/` and `segmentation/views/showcase.json`.
Run it again when the engine's results or the samples change. The same engine always makes the same files.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from segmentation.engine.gmm import Component, Mixture, Recipe, segment  # noqa: E402 - found through the line above
from segmentation.engine.gmm.fit.em import Data, evaluate, iterate  # noqa: E402 - as above
from segmentation.engine.imaging import palettes  # noqa: E402 - as above

SAMPLES = ROOT / "segmentation" / "samples"
PICTURES = ROOT / "static" / "landing"
FIGURES = ROOT / "segmentation" / "views" / "showcase.json"

HERO = range(2, 9)  # numbers of clusters that the first page offers
# Colours that colour-blind people can tell apart (Okabe and Ito, 2008)
LINES = ("#999999", "#0072b2", "#f0b42a", "#d55e00")
POSTER = ("#1d1a3a", "#0d5fb4", "#e8c547", "#4aa5a0", "#fdf6e3")  # an example of colours that a person may choose
EM_STEPS = (0, 1, 16)  # iterations that the help shows, besides the last
EM_TOLERANCE = 1e-4
EM_START = 8  # a seed with a poor start, so that the iterations are visible
STAIN_PART = np.s_[20:140, 40:220]  # rows, columns
MISSING = (212, 193, 26)  # a coin: column, row, radius

Pixels = NDArray[np.uint8]


def main() -> None:
    """Write all pictures and figures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    figures = {"hero": hero(), "uses": uses(), "cloud": cloud_of_a_stain(), "fit": fit_of_a_cup()}
    shapes_of_a_stain()
    smoothness_of_a_stain()
    missing_coin()
    half_a_picture()
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


def hero() -> dict[str, Any]:
    """Write the photograph of the first page with several numbers of clusters, and return their figures."""
    pixels = opened("china.jpg")
    save(pixels, "china", quality=86)
    results = {k: segment(pixels, Recipe(n_clusters=k)) for k in HERO}
    for k, result in results.items():
        save(painted(result.labels, colours(result.components)), f"china-k{k}")
    regions = segment(pixels, Recipe.from_mapping({"preset": "regions"}))
    save(painted(regions.labels, colours(regions.components)), "china-regions")
    height, width = pixels.shape[:2]
    return {
        "width": width,
        "height": height,
        "colours": len(np.unique(pixels.reshape(-1, 3), axis=0)),
        "results": [{"n_clusters": k, "clusters": clusters(result.components)} for k, result in results.items()],
    }


def uses() -> dict[str, Any]:
    """Write three samples with their usual kinds of result, and return their figures."""
    figures = {}
    for name, n_clusters, chosen in (("ihc", 4, (0,)), ("coins", 3, (2,)), ("coffee", 5, ())):
        pixels = opened(f"{name}.png")
        result = segment(pixels, Recipe(n_clusters=n_clusters))
        save(pixels, name, quality=82)
        save(painted(result.labels, colours(result.components)), f"{name}-k{n_clusters}")
        last = np.isin(result.labels, chosen).astype(np.uint8) if chosen else result.labels
        save(painted(last, ("#000000", "#ffffff") if chosen else POSTER), f"{name}-last")
        if not chosen:
            save(painted(result.labels, palettes.separated(n_clusters)), f"{name}-separated")
        figures[name] = {
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "colours": result.distinct_colours,
            "clusters": clusters(result.components),
            "foreground": sum(result.components[index].pixels for index in chosen) / result.valid_pixels,
        }
    return figures


def cloud_of_a_stain() -> dict[str, Any]:
    """Write the scatter plot of the stained tissue, red against blue, and return its frame and the ellipses of four clusters."""
    pixels = opened("ihc.png")
    mixture = segment(pixels, Recipe(n_clusters=4)).mixture
    plot = Plot(pixels, (0, 2), box=(30, 4, 756, 356), tick=50)
    save(plot.cloud(), "ihc-cloud")
    return {**plot.frame(), "ellipses": plot.ellipses(mixture, LINES)}


def fit_of_a_cup() -> dict[str, Any]:
    """Write steps of EM with four clusters on the cup of coffee, from a random start, and return their figures."""
    pixels = opened("coffee.png")
    values = pixels.reshape(-1, 3)
    sample = values[:: len(values) // 2**15]
    data = Data.of(sample, np.ones(len(sample)))
    rng = np.random.default_rng(EM_START)
    start = Mixture(np.full(4, 0.25), rng.permutation(sample)[:4], np.tile(np.eye(3) * 24.0**2, (4, 1, 1))).ordered()
    end = iterate(data, start, tolerance=EM_TOLERANCE, max_iterations=500)
    plot = Plot(pixels, (0, 1), box=(34, 6, 266, 156), tick=100)
    save(plot.cloud(), "coffee-cloud")
    frames = []
    for index, step in enumerate((*EM_STEPS, len(end.history))):
        mixture = iterate(data, start, tolerance=0.0, max_iterations=step).mixture if step else start
        labels = mixture.predict(pixels)
        shown = [tuple(np.rint(pixels[labels == k].mean(axis=0)).astype(int)) for k in range(4)]
        hexes = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in shown]
        save(painted(labels, hexes), f"coffee-em{index}")
        frames.append(
            {
                "step": step,
                "fit": evaluate(mixture.theta(), data).log_likelihood,
                "clusters": [
                    {"index": k, "colour": colour, "share": float((labels == k).mean())}
                    for k, colour in enumerate(hexes)
                ],
                "ellipses": plot.ellipses(mixture, hexes),
            }
        )
    return {**plot.frame(), "width": pixels.shape[1], "height": pixels.shape[0], "frames": frames}


def shapes_of_a_stain() -> None:
    """Write the stained tissue in three clusters with full and with spherical covariances."""
    pixels = opened("ihc.png")
    for covariance in ("full", "spherical"):
        result = segment(pixels, Recipe.from_mapping({"n_clusters": 3, "covariance": covariance}))
        save(painted(result.labels, colours(result.components)), f"ihc-{covariance}")


def smoothness_of_a_stain() -> None:
    """Write a part of the stained tissue without and with smoothing."""
    rows, columns = STAIN_PART
    pixels = opened("ihc.png")[rows, columns]
    save(pixels, "ihc-part")
    for name, smoothness in (("rough", 0.0), ("smooth", 0.6)):
        result = segment(pixels, Recipe.from_mapping({"n_clusters": 4, "smoothness": smoothness}))
        save(painted(result.labels, colours(result.components)), f"ihc-{name}")


def missing_coin() -> None:
    """Write the coins in three greys with one coin missing, for the page *not found*."""
    with PIL.Image.open(SAMPLES / "coins.png") as picture:
        larger = picture.convert("RGB").resize((picture.width * 3, picture.height * 3), PIL.Image.Resampling.BICUBIC)
    result = segment(np.asarray(larger), Recipe(n_clusters=3))
    column, row, radius = (value * 3 for value in MISSING)
    rows, columns = np.ogrid[: result.labels.shape[0], : result.labels.shape[1]]
    distance = np.hypot(rows - row, columns - column)
    around = result.labels[(distance >= radius) & (distance < radius + 6)]
    labels = result.labels.copy()
    labels[distance < radius] = np.bincount(around).argmax()
    save(painted(labels, colours(result.components)), "coins-missing")


def half_a_picture() -> None:
    """Write the upper half of the photograph, for the page of a server error."""
    result = segment(opened("china.jpg"), Recipe(n_clusters=6))
    picture = painted(result.labels, colours(result.components))
    opaque = np.zeros(result.labels.shape, np.uint8)
    height, width = picture.shape[:2]
    opaque[: height // 2] = opaque[: height // 2 + 14, : width * 37 // 100] = 255
    save(np.dstack([picture, opaque]) * (opaque[..., None] > 0), "china-half")


@dataclass(frozen=True)
class Plot:
    """A scatter plot of the colours of a picture in two channels, in units of the view box of an SVG."""

    pixels: Pixels
    axes: tuple[int, int]  # across and up
    box: tuple[int, int, int, int]  # left, top, right, bottom
    tick: int

    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the lowest and highest value on each axis, between which nearly all pixels lie."""
        across, up = (np.percentile(self.pixels[..., axis], (0.2, 99.9)) for axis in self.axes)
        return (float(across[0]) - 8, min(float(across[1]) + 8, 262.0)), (
            float(up[0]) - 8,
            min(float(up[1]) + 8, 262.0),
        )

    def place(self, across: float, up: float) -> tuple[float, float]:
        """Return the coordinates of two values in the view box."""
        (left, right), (low, high) = self.ends()
        x0, y0, x1, y1 = self.box
        return x0 + (x1 - x0) * (across - left) / (right - left), y1 - (y1 - y0) * (up - low) / (high - low)

    def scale(self) -> NDArray[np.float64]:
        """Return a diagonal matrix with the units of the view box for a step of 1 on each axis."""
        (x0, y0), (x1, y1) = self.place(0, 0), self.place(1, 1)
        return np.diag([x1 - x0, y1 - y0])

    def cloud(self) -> Pixels:
        """Return a picture of 256 x 256 pixels with the mean colour at each pair of values; its opacity grows with the density."""
        flat = self.pixels.reshape(-1, 3).astype(np.intp)
        cells = (255 - flat[:, self.axes[1]]) * 256 + flat[:, self.axes[0]]
        counts = np.bincount(cells, minlength=256 * 256)
        sums = np.stack([np.bincount(cells, flat[:, c], minlength=256 * 256) for c in range(3)], axis=1)
        mean = sums / np.maximum(counts, 1)[:, None]
        opacity = 255 * np.minimum(1, np.log1p(counts) / np.log1p(np.percentile(counts[counts > 0], 99)))
        return np.column_stack([mean, opacity]).round().astype(np.uint8).reshape(256, 256, 4)

    def frame(self) -> dict[str, Any]:
        """Return the coordinates of the box, the scatter plot and the ticks."""
        x, y = self.place(-0.5, 255.5)
        right, bottom = self.place(255.5, -0.5)
        x0, y0, x1, y1 = self.box
        across = {n: self.place(n, 0)[0] for n in range(0, 256, self.tick)}
        up = {n: self.place(0, n)[1] for n in range(0, 256, self.tick)}
        return {
            "box": [x0, y0, x1 - x0, y1 - y0],
            "image": numbers_of(x, y, right - x, bottom - y),
            # The name of an axis is at its end, where there are no ticks.
            "across": [[n, *numbers_of(at)] for n, at in across.items() if x0 <= at <= x1 - 40],
            "up": [[n, *numbers_of(at)] for n, at in up.items() if y0 + 20 <= at <= y1],
        }

    def ellipses(self, mixture: Mixture, lines: Sequence[str]) -> list[dict[str, Any]]:
        """Return the ellipses of one and two standard deviations of each component: centre, radii, angle, line colour."""
        found = []
        for mean, covariance, line in zip(mixture.means, mixture.covariances, lines, strict=True):
            scale = self.scale()
            values, vectors = np.linalg.eigh(scale @ covariance[np.ix_(self.axes, self.axes)] @ scale.T)
            x, y = self.place(*mean[list(self.axes)])
            angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
            radii = np.sqrt(values[::-1])
            found.append({"line": line, "at": numbers_of(x, y, *radii, *(2 * radii), angle)})
        return found


def numbers_of(*values: float) -> list[str]:
    """Return numbers for attributes of an SVG, with a decimal point in every language."""
    return [f"{value:.2f}" for value in values]


def opened(file: str) -> Pixels:
    with PIL.Image.open(SAMPLES / file) as picture:
        return np.asarray(picture.convert("RGB"))


def colours(components: Iterable[Component]) -> list[str]:
    return [component.colour for component in components]


def clusters(components: Sequence[Component]) -> list[dict[str, Any]]:
    total = sum(component.pixels for component in components)
    return [
        {"index": index, "colour": component.colour, "share": component.pixels / total}
        for index, component in enumerate(components)
    ]


def painted(labels: Pixels, hexes: Sequence[str]) -> Pixels:
    """Return a label map in colours."""
    return np.array([tuple(bytes.fromhex(colour[1:])) for colour in hexes], dtype=np.uint8)[labels]


def save(pixels: Pixels, name: str, *, quality: int | None = None) -> None:
    """Write a WebP file, which is lossless unless a quality is given."""
    options: dict[str, Any] = {"lossless": True, "quality": 100} if quality is None else {"quality": quality}
    PIL.Image.fromarray(pixels).save(PICTURES / f"{name}.webp", method=6, **options)


if __name__ == "__main__":
    main()
