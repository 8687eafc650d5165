import json

import numpy as np
import pytest

from benchmarks.phantoms import number_found, phantom
from segmentation.engine.gmm import Mixture, Recipe, segment
from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.selection.cluster_count import Candidate, ClusterCountChoice, choose_n_clusters
from segmentation.engine.gmm.selection.criteria import Criteria, criteria, most_overlapping_pair, overlaps
from segmentation.engine.gmm.selection.edges import interior_mask
from segmentation.engine.gmm.selection.reasons import Reason


@pytest.mark.parametrize("seed", range(6))
def test_the_number_of_phases_of_a_phantom_is_found(seed):
    drawn = phantom(seed)
    assert number_found(drawn, seed) == len(drawn.means)


def test_an_automatic_result_has_all_candidates():
    drawn = phantom(3, n_phases=4)
    result = segment(drawn.pixels, Recipe(n_clusters="auto"))
    assert result.mixture.n_components == result.choice.n_clusters == 4
    assert [one.n_clusters for one in result.choice.candidates] == list(range(1, 13))
    assert result.candidate_maps.shape == (12, 86, 86)
    assert [len(np.unique(small)) for small in result.candidate_maps[:4]] == [1, 2, 3, 4]
    levels = [one.criteria.log_likelihood for one in result.choice.candidates]
    assert levels[3] > levels[2] > levels[0]
    assert result.choice.reason.values["n_clusters"] == 4
    assert segment(drawn.pixels, Recipe(n_clusters=4)).choice is None


def test_one_colour_is_one_cluster():
    noise = np.random.default_rng(0).normal(120, 6, (80, 90, 3)).round().astype(np.uint8)
    result = segment(noise, Recipe(n_clusters=None))
    assert result.mixture.n_components == 1
    assert result.choice.reason.code == "single"


@pytest.mark.parametrize(
    "pixels", [np.full((7, 9, 3), 50, np.uint8), np.zeros((1, 1, 3), np.uint8), np.eye(5, dtype=np.uint8)]
)
def test_the_number_for_tiny_pictures_is_small(pixels):
    result = segment(pixels, Recipe(n_clusters=None))
    assert 1 <= result.mixture.n_components <= 2
    assert result.choice.reason.sentence


def test_the_same_seed_chooses_the_same():
    pixels = phantom(5).pixels
    first, second = (segment(pixels, Recipe(n_clusters=None, seed=3)) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.choice.reason == second.choice.reason


def choice_of(*icl):
    def candidate(number, value):
        mixture = Mixture(np.full(number, 1 / number), np.zeros((number, 1)), np.ones((number, 1, 1)))
        return Candidate(mixture, Criteria(0.0, 0.0, value, value))

    every = tuple(candidate(number, value) for number, value in enumerate(icl, start=1))
    return ClusterCountChoice(max(every, key=lambda one: one.criteria.icl), every)


@pytest.mark.parametrize(
    ("icl", "plateau", "code", "beginning"),
    [
        ((-900, -500, -300, -350), (3, 3), "best", "The best number of clusters is 3: with fewer"),
        ((-900, -305, -300, -350), (2, 3), "one_nearly_as_good", "The best number of clusters is 3, but 2 is nearly"),
        ((-306, -305, -300, -309), (1, 4), "some_nearly_as_good", "The best number of clusters is 3, but 1 to 4 are"),
        ((-300, -305, -350), (1, 2), "one_nearly_as_good", "The best number of clusters is 1, but 2 is nearly as good"),
        ((-305, -350, -300, -350), (3, 3), "best", "The best number of clusters is 3: with fewer"),
        ((-900, -500, -300), (3, 3), "largest", "The best number of clusters is 3; larger numbers were not tried."),
        ((-300, -500), (1, 1), "single", "The colours of this picture form one cluster"),
    ],
)
def test_the_reason_names_numbers_that_are_nearly_as_good(icl, plateau, code, beginning):
    choice = choice_of(*icl)
    assert choice.plateau == plateau
    assert choice.reason.code == code
    assert choice.reason.sentence.startswith(beginning)
    assert Reason.from_mapping(json.loads(json.dumps(choice.reason.to_mapping()))) == choice.reason


@pytest.mark.parametrize(
    "stored", [{"code": "of_tomorrow", "values": {"n_clusters": 3}}, {"code": "best", "values": {}}]
)
def test_a_reason_of_a_newer_release_is_a_neutral_sentence(stored):
    reason = Reason.from_mapping(stored)
    assert reason.code == "unknown"
    assert stored["code"] in reason.sentence


def test_no_more_clusters_are_tried_than_there_are_values():
    data = Data.of(np.array([[1.0], [50.0], [200.0]]), np.array([5, 6, 7]))
    assert [one.n_clusters for one in choose_n_clusters(data, np.random.default_rng(0)).candidates] == [1, 2, 3]


def test_edges_are_left_out_and_flat_noise_is_not():
    rng = np.random.default_rng(0)
    picture = np.full((100, 100, 3), 80.0)
    picture[:, 50:] = 110
    inside = interior_mask((picture + rng.normal(0, 5, picture.shape))[None])[0]
    assert not inside[:, 48:52].any()
    assert inside[:, :44].mean() > 0.98
    assert inside[:, 56:].mean() > 0.98


def test_if_everything_is_an_edge_the_flattest_pixels_are_taken():
    noise = np.random.default_rng(0).integers(0, 256, (1, 60, 60, 1), dtype=np.uint8)
    noise[:, :20] = 7
    assert interior_mask(noise).mean() > 0.2


def test_criteria_are_those_of_scikit_learn(china):
    values = china[::6, ::6].reshape(-1, 3)
    mixture = segment(china, Recipe(n_clusters=4, covariance="diag")).mixture
    found = criteria(mixture, Data.of(values, np.ones(len(values))))
    model = mixture.to_sklearn()
    shares = model.predict_proba(values.astype(float))
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum()
    assert found.bic == pytest.approx(-model.bic(values.astype(float)) / 2)
    assert found.icl == pytest.approx(found.bic - entropy)
    half = criteria(mixture, Data.of(values, np.ones(len(values))), len(values) / 2)
    assert half.log_likelihood == found.log_likelihood
    assert half.bic > found.bic


def test_overlaps_are_those_of_one_dimension_integrated():
    mixture = Mixture([0.3, 0.5, 0.2], [[100.0], [110.0], [200.0]], [[[25.0]], [[100.0]], [[9.0]]])
    grid = np.arange(0, 300, 0.01)[:, None]
    densities = [
        np.exp(Mixture([1.0], mixture.means[k : k + 1], mixture.covariances[k : k + 1]).log_density(grid))
        for k in range(3)
    ]
    expected = [[(np.sqrt(one * other)).sum() * 0.01 for other in densities] for one in densities]
    np.testing.assert_allclose(overlaps(mixture), expected, atol=1e-9)
    assert most_overlapping_pair(mixture) == (0, 1)
    assert most_overlapping_pair(Mixture([1.0], [[0.0]], [[[1.0]]])) is None
