"""Learning what a border costs: the target against a count of pixel pairs, the fit against known weights, and all of it."""

import re
import sys

import numpy as np
import PIL.Image
import pytest
from scipy.io import savemat
from scipy.special import expit

from benchmarks import learn_regions, quality
from segmentation.engine.gmm.regions.border_terms import TERMS
from segmentation.engine.gmm.regions.graph import build_graph
from segmentation.engine.gmm.regions.merging import merge_all
from tests.engine.gmm.regions.oracle import draw_scene


def test_the_target_is_the_share_of_pixel_pairs_that_people_separate():
    rng = np.random.default_rng(0)
    regions, people = rng.integers(0, 3, 60), [rng.integers(0, 4, 60) for _ in range(2)]
    tables = [quality.contingency(regions, person).astype(float) for person in people]
    pairs = np.array([[0, 1], [1, 2]])
    expected = [
        np.mean(
            [
                person[i] != person[j]
                for person in people
                for i in np.flatnonzero(regions == one)
                for j in np.flatnonzero(regions == other)
            ]
        )
        for one, other in pairs
    ]
    np.testing.assert_allclose(learn_regions.separated(tables, pairs), expected)


def test_the_weights_that_made_the_examples_are_learnt(monkeypatch):
    monkeypatch.setattr(learn_regions, "PENALTY", 1e-9)
    rng = np.random.default_rng(1)
    true = np.array([0.5, 1.0, -2.0, 0.3])
    terms = np.column_stack([np.ones(4000), rng.normal(2, 3, 4000), rng.normal(-1, 0.5, 4000), rng.normal(size=4000)])
    examples = learn_regions.Examples(terms, expit(terms @ true), rng.uniform(0.5, 1, 4000))
    np.testing.assert_allclose(learn_regions.fit(examples), true, rtol=0.05, atol=0.02)


def test_the_first_trees_are_those_of_the_product(monkeypatch):
    graph = build_graph(**draw_scene())
    by_sum = merge_all(graph, weights=learn_regions.START)
    monkeypatch.setattr("segmentation.engine.gmm.regions.merging.FIRST_REGIONS", 0)
    np.testing.assert_array_equal(by_sum.merges, merge_all(graph).merges)


@pytest.mark.parametrize("n_regions", [1, 4, 9])
def test_agreement_of_a_cut_is_that_of_its_label_map(n_regions):
    arrays = draw_scene()
    people = [np.random.default_rng(seed).integers(0, 3, arrays["labels"].shape) for seed in range(2)]
    region = merge_all(build_graph(**arrays)).cut(n_regions)
    overlaps = [quality.contingency(arrays["labels"], person).astype(float) for person in people]
    np.testing.assert_allclose(
        learn_regions.agreement_of_cut(region, overlaps), quality.agreement(region[arrays["labels"]], people)
    )


@pytest.fixture
def drawn(tmp_path):
    """Three pictures of blobs, which two people have segmented, one of them with the background in two halves."""
    (tmp_path / "images").mkdir()
    (tmp_path / "groundTruth").mkdir()
    y, x = np.mgrid[:80, :120]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        labels = np.zeros((80, 120), np.uint16)
        for number, (v, u) in enumerate(rng.uniform((20, 20), (60, 100), (3, 2)), start=1):
            labels[(y - v) ** 2 + (x - u) ** 2 < 15**2] = number
        colours = rng.uniform(20, 235, (4, 3))[labels] + rng.normal(0, 6, (80, 120, 3))
        PIL.Image.fromarray(colours.clip(0, 255).astype(np.uint8)).save(tmp_path / "images" / f"{seed}.jpg", quality=95)
        people = np.empty((1, 2), object)
        people[0, 0] = {"Segmentation": labels}
        people[0, 1] = {"Segmentation": np.where((labels == 0) & (x > 60), 9, labels).astype(np.uint16)}
        savemat(tmp_path / "groundTruth" / f"{seed}.mat", {"groundTruth": people})
    return tmp_path


def test_weights_and_the_cost_to_stop_at_are_printed(drawn, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["learn_regions.py", str(drawn), "--jobs", "1"])
    assert learn_regions.main() == 0
    said = capsys.readouterr().out
    weights = np.array(re.search(r"WEIGHTS = \((.*)\)", said).group(1).split(", "), float)
    assert len(weights) == len(TERMS)
    assert "STOP_COST = " in said
    assert float(re.search(r"covering ([\d.]+)", said).group(1)) > 0.7


def test_a_folder_without_pictures_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["learn_regions.py", str(tmp_path)])
    with pytest.raises(SystemExit):
        learn_regions.main()
    assert "no pictures" in capsys.readouterr().err
