"""Learn what a border costs in *Regions* from segmentations drawn by people; run it with ``make learn-regions DATA=path``.

DATA is a folder as in `quality.py`, best the training split of the Berkeley Segmentation Data Set. The weights that this prints
belong into `segmentation/engine/gmm/regions/learnt_weights.py`. Regions are merged with the weights of the round before, at
first with those of the product of `merging.merge_cost`. All borders at the numbers of regions in `COUNTS` are examples for
a logistic regression, which predicts the share of pixel pairs, one pixel on each side, that people separate. Examples of all
rounds are used, so that the weights hold for good and bad trees (as in Nunez-Iglesias et al., 2013).
"""

import argparse
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.quality import (
    Photograph,
    contingency,
    covering,
    photographs,
    rand_index,
    say,
    variation_of_information,
)
from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.regions.border_terms import TERMS
from segmentation.engine.gmm.regions.graph import Graph
from segmentation.engine.gmm.regions.merging import SIZE_POWER, Merging, merge_all
from segmentation.engine.gmm.regions.segmentation import analyse, analysed_shape

Float = NDArray[np.float64]

ROUNDS = 3
COUNTS = (60, 40, 25, 16, 10, 6, 4, 2)
"""Numbers of regions at which the borders of a tree are examples."""

AREA_POWER = 0.7
"""The smaller region's share of the picture to this power is the weight of an example."""

PENALTY = 1e-3
"""Of half the sum of squared weights of the standardised terms, beside the mean loss of an example."""

MOST_REGIONS = 60
COSTS = np.linspace(-1, 2, 61)

START = (0.0, 1.0, 1.0, SIZE_POWER, -SIZE_POWER, *[0.0] * (len(TERMS) - 5))
"""Weights whose sum is the logarithm of `merging.merge_cost`."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The graph of the leaves of a photograph, and the pixels (n, S) that each leaf has in common with a person's segments."""

    graph: Graph
    overlaps: list[Float]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Borders, each with the share of its pixel pairs that people separate and its weight."""

    terms: Float  # (E, T)
    separated: Float  # (E,)
    weights: Float  # (E,)

    @classmethod
    def concatenate(cls, parts: Sequence["Examples"]) -> "Examples":
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


def store_sample(photograph: Photograph, folder: Path) -> Path:
    """Analyse a photograph, and return the path of a file with its `Sample`."""
    pixels = photograph.pixels()
    if analysed_shape(*pixels.shape[:2]) != pixels.shape[:2]:
        raise ValueError(f"{photograph.image} is larger than what Regions analyses: reduce it and its segmentations")
    analysis = analyse(lab(pixels.transpose(2, 0, 1)), np.ones(pixels.shape[:2], np.bool_))
    overlaps = [contingency(analysis.leaves, person).astype(np.float64) for person in photograph.segmentations()]
    path = folder / f"{photograph.image.stem}.pickle"
    path.write_bytes(pickle.dumps(Sample(analysis.graph, overlaps)))
    return path


def load_sample(path: Path) -> Sample:
    sample: Sample = pickle.loads(path.read_bytes())  # noqa: S301 - written by `store_sample` of the same process
    return sample


def examples(path: Path, weights: Sequence[float]) -> Examples:
    """Return the borders of a tree, which is built with some weights, at all `COUNTS`."""
    sample = load_sample(path)
    merging = Merging(sample.graph, weights)
    total = sample.graph.sums[:, 0].sum()
    overlaps = [list(table) for table in sample.overlaps]  # also of merged regions
    parts = []
    while merging.n_regions > 1:
        if merging.n_regions in COUNTS:
            pairs, borders = merging.borders()
            tables = [np.array(table) for table in overlaps]
            areas = tables[0].sum(axis=1)[pairs].min(axis=1) / total
            terms = merging.terms(pairs[:, 0], pairs[:, 1], borders).T
            parts.append(Examples(terms, separated(tables, pairs), areas**AREA_POWER))
        _, one, other = merging.merge_cheapest()
        for table in overlaps:
            table.append(table[one] + table[other])
    return Examples.concatenate(parts)


def separated(tables: Sequence[Float], pairs: NDArray[np.intp]) -> Float:
    """Return the share (E,) of the pixel pairs between two regions that people separate, the mean over the people.

    With t_is the pixels that region i has in common with a segment s, it is 1 - sum_s t_is t_js / (a_i a_j).
    """
    joined = []
    for table in tables:
        shares = table / table.sum(axis=1, keepdims=True)
        joined.append((shares[pairs[:, 0]] * shares[pairs[:, 1]]).sum(axis=1))
    share: Float = 1 - np.mean(joined, axis=0)
    return share


def fit(found: Examples) -> Float:
    """Return the weights (T,) of the logistic regression, for terms that are not standardised.

    A share s of separated pairs is an example of class 1 with weight s and one of class 0 with weight 1 - s.
    """
    terms = found.terms[:, 1:]
    mean, deviation = terms.mean(axis=0), terms.std(axis=0)
    standardised = (terms - mean) / deviation
    weights = found.weights / found.weights.sum()
    model = LogisticRegression(C=1 / PENALTY, tol=1e-8, max_iter=1000)
    model.fit(
        np.concatenate([standardised, standardised]),
        np.repeat([1, 0], len(terms)),
        np.concatenate([weights * found.separated, weights * (1 - found.separated)]),
    )
    slopes = model.coef_[0] / deviation
    return np.array([model.intercept_[0] - slopes @ mean, *slopes])


def scores(path: Path, weights: Sequence[float]) -> Float:
    """Return, for each of `COSTS`, the agreement (C, 3) with people where merging stops at that cost."""
    sample = load_sample(path)
    tree = merge_all(sample.graph, weights=weights)
    counts = [min(tree.n_regions_at(cost), MOST_REGIONS) for cost in COSTS]
    by_count = {count: agreement_of_cut(tree.cut(count), sample.overlaps) for count in set(counts)}
    return np.array([by_count[count] for count in counts])


def agreement_of_cut(region: NDArray[np.intp], overlaps: Sequence[Float]) -> Float:
    """Return Rand index, variation of information and covering, the means over the people, where leaves (n,) are merged."""
    each = []
    for overlap in overlaps:
        table = np.zeros((region.max() + 1, overlap.shape[1]), np.int64)
        np.add.at(table, region, overlap.astype(np.int64))
        each.append((rand_index(table), variation_of_information(table), covering(table)))
    means: Float = np.mean(each, axis=0)
    return means


def best_cost(agreement: Float) -> int:
    """Return the index of the best of `COSTS`, given the agreement (C, 3): Rand index + covering - variation / 3, smoothed."""
    score = agreement[:, 0] + agreement[:, 2] - agreement[:, 1] / 3
    return int(np.convolve(np.pad(score, 2, mode="edge"), np.full(5, 0.2), "valid").argmax())


def learn(pool: ProcessPoolExecutor, samples: Sequence[Path]) -> Iterator[tuple[Float, int]]:
    """Yield the weights (T,) after each round, and the number of examples."""
    weights, found = np.array(START), []
    for _ in range(ROUNDS):
        found += list(pool.map(partial(examples, weights=weights.tolist()), samples))
        together = Examples.concatenate(found)
        weights = fit(together)
        yield weights, len(together.weights)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    pictures = list(photographs(arguments.data))
    if not pictures:
        parser.error(f"there are no pictures in {arguments.data / 'images'}")
    with TemporaryDirectory() as folder, ProcessPoolExecutor(arguments.jobs) as pool:
        samples = list(pool.map(partial(store_sample, folder=Path(folder)), pictures))
        say(f"\n{len(samples)} photographs\n\n  {'round':8}{'examples':>10}   weights")
        for number, (weights, n_examples) in enumerate(learn(pool, samples), start=1):
            say(f"  {number:<8}{n_examples:10}   {' '.join(f'{weight:.3f}' for weight in weights)}")
        agreement = np.mean(list(pool.map(partial(scores, weights=weights.round(3).tolist()), samples)), axis=0)
    best = best_cost(agreement)
    pri, voi, share = agreement[best]
    say(
        f"\n  best cost to stop at {COSTS[best]:.2f}: PRI {pri:.4f}, VOI {voi:.4f}, covering {share:.4f} on these photographs\n"
    )
    say(f"WEIGHTS = ({', '.join(f'{weight:.3f}' for weight in weights)})\nSTOP_COST = {COSTS[best]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
