"""Compare the agreement of several methods with segmentations by people (``make quality DATA=path``).

DATA is a folder with `images/*.jpg` and `groundTruth/*.mat` in the form of the Berkeley Segmentation Data Set (Arbelaez, Maire,
Fowlkes and Malik, 2011). Each method has the same settings for all pictures. Figures are averaged over the people who segmented
a picture, then over the pictures.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat
from skimage.graph import cut_threshold, rag_mean_color
from skimage.segmentation import felzenszwalb, slic
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.gmm.regions import segment_regions

Labels = NDArray[np.integer]
Pixels = NDArray[np.uint8]
K = 5


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# Methods


def colours(pixels: Pixels, seed: int) -> Labels:
    return segment(pixels, Recipe(n_clusters=K, seed=seed)).labels


def regions(pixels: Pixels, seed: int) -> Labels:  # noqa: ARG001 - this method has no seed
    return segment_regions(pixels).labels


def gaussian_mixture(pixels: Pixels, seed: int) -> Labels:
    flat = pixels.reshape(-1, 3).astype(np.float64)
    labels: Labels = GaussianMixture(K, random_state=seed).fit_predict(flat)
    return labels.reshape(pixels.shape[:2])


def k_means(pixels: Pixels, seed: int) -> Labels:
    flat = pixels.reshape(-1, 3).astype(np.float64)
    labels: Labels = KMeans(K, n_init=1, random_state=seed).fit_predict(flat)
    return labels.reshape(pixels.shape[:2])


def graph_based(pixels: Pixels, seed: int) -> Labels:  # noqa: ARG001 - this method has no seed
    """Label by Felzenszwalb and Huttenlocher (2004), with the best of a few settings on the pictures on which Regions was tuned."""
    labels: Labels = felzenszwalb(pixels, scale=500, sigma=0.8, min_size=1000)
    return labels


def superpixel_graph(pixels: Pixels, seed: int) -> Labels:  # noqa: ARG001 - this method has no seed
    """Label by superpixels (Achanta and others, 2012), merged while their mean colours are closer than a threshold."""
    superpixels = slic(pixels, n_segments=400, compactness=10, start_label=0)
    neighbours = rag_mean_color(pixels, superpixels)  # type: ignore[no-untyped-call]  # scikit-image has no types
    labels: Labels = cut_threshold(superpixels, neighbours, 29)  # type: ignore[no-untyped-call]  # as above
    return labels


@dataclass(frozen=True, slots=True)
class Method:
    """A method, which is one row of the table."""

    name: str
    label: Callable[[Pixels, int], Labels]
    seeds: tuple[int, ...] = (0,)


METHODS = (
    Method("Regions, automatic number", regions),
    Method(f"Colours, {K} clusters", colours),
    Method(f"scikit-learn GaussianMixture, RGB, {K}", gaussian_mixture),
    Method(f"scikit-learn KMeans, RGB, {K}", k_means),
    Method("scikit-image felzenszwalb, scale 500", graph_based),
    Method("scikit-image slic + cut_threshold", superpixel_graph),
)


# Measures of agreement


def contingency(one: Labels, other: Labels) -> NDArray[np.int64]:
    """Return the contingency table (R, S) of two label maps: the number of pixels with each pair of labels."""
    _, rows = np.unique(one, return_inverse=True)
    names, columns = np.unique(other, return_inverse=True)
    codes = rows.ravel() * len(names) + columns.ravel()
    return np.bincount(codes, minlength=(int(rows.max()) + 1) * len(names)).reshape(-1, len(names))


def rand_index(table: NDArray[np.int64]) -> float:
    """Return the share of all pairs of pixels that are in one segment in both maps, or in different ones in both (Rand, 1971); 1 is best."""
    squares = table.astype(np.float64) ** 2
    n = float(table.sum())
    rows, columns = (table.sum(axis=axis).astype(np.float64) for axis in (1, 0))
    apart = ((rows**2).sum() + (columns**2).sum()) / 2 - squares.sum()
    return float(1 - apart / (n * (n - 1) / 2))


def variation_of_information(table: NDArray[np.int64]) -> float:
    """Return the variation of information H(one | other) + H(other | one), in bits (Meila, 2005); 0 is best."""

    def entropy(counts: NDArray[np.int64]) -> float:
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log2(shares)).sum())

    return 2 * entropy(table) - entropy(table.sum(axis=1)) - entropy(table.sum(axis=0))


def covering(table: NDArray[np.int64]) -> float:
    """Return the best intersection over union for each segment of the second map, weighted with its size; 1 is best.

    If the second map is the segmentation by a person, it is the covering of the ground truth by Arbelaez and others (2011).
    """
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    overlap = table / (rows[:, None] + columns - table)
    return float((overlap.max(axis=0) * columns).sum() / columns.sum())


def agreement(labels: Labels, people: Sequence[Labels]) -> NDArray[np.float64]:
    """Return Rand index, variation of information and covering, averaged over the people."""
    tables = [contingency(labels, person) for person in people]
    each = np.array([(rand_index(t), variation_of_information(t), covering(t)) for t in tables])
    averages: NDArray[np.float64] = each.mean(axis=0)
    return averages


# Table


@dataclass(frozen=True, slots=True)
class Photograph:
    """The files of a picture and of its segmentations by people."""

    image: Path
    people: Path

    def pixels(self) -> Pixels:
        return np.asarray(Image.open(self.image).convert("RGB"))

    def segmentations(self) -> list[Labels]:
        return [person["Segmentation"][0, 0].astype(np.int64) for person in loadmat(self.people)["groundTruth"][0]]


def photographs(data: Path) -> Iterator[Photograph]:
    for image in sorted((data / "images").rglob("*.jpg")):
        yield Photograph(image, data / "groundTruth" / f"{image.stem}.mat")


def figures_of(photograph: Photograph, method: Method) -> NDArray[np.float64]:
    """Return the three measures and the seconds of a method on a picture, (seeds, 4)."""
    pixels, people = photograph.pixels(), photograph.segmentations()
    rows = []
    for seed in method.seeds:
        started = time.process_time()
        labels = method.label(pixels, seed)
        seconds = time.process_time() - started
        rows.append([*agreement(labels, people), seconds])
    return np.array(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="methods whose name contains this")
    arguments = parser.parse_args()
    pictures = list(photographs(arguments.data))
    if not pictures:
        parser.error(f"there are no pictures in {arguments.data / 'images'}")
    say(f"\n{len(pictures)} photographs; seconds of processor time a picture\n")
    width = max(len(method.name) for method in METHODS)
    say(f"  {'':{width}}    PRI    VOI   covering   seconds")
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for method in METHODS:
            if arguments.only in method.name:
                figures = list(pool.map(partial(figures_of, method=method), pictures))
                pri, voi, share, seconds = np.mean(figures, axis=(0, 1))
                say(f"  {method.name:{width}}   {pri:.3f}  {voi:.3f}      {share:.3f}   {seconds:7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
