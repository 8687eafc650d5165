import json

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from benchmarks.counting import phases
from benchmarks.phantoms import Spec, make
from segmentation.engine.gmm import Mixture, Recipe, segment
from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.mixed_pixels.lines import straight
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.selection.cluster_count import (
    Candidate,
    ClusterCountChoice,
    PixelSample,
    choose_n_clusters,
)
from segmentation.engine.gmm.selection.criteria import Criteria, criteria, most_overlapping_pair, overlaps
from segmentation.engine.gmm.selection.reasons import Reason
from segmentation.engine.gmm.selection.steepness import steepness_classes


@pytest.mark.parametrize("n_phases", [2, 3, 4, 5])
def test_the_number_of_phases_of_a_phantom_is_found(n_phases):
    drawn = phases(n_phases, n_phases=n_phases, separation=5.0, smallest_area=0.1)
    assert segment(drawn.pixels, Recipe(n_clusters=None)).mixture.n_components == n_phases


@pytest.mark.parametrize("preset", ["colours", "areas"])
@pytest.mark.parametrize("width", [2, 3])
def test_lines_of_few_pixels_are_a_cluster(preset, width):
    drawn = np.full((256, 256), 200.0)
    for row in range(0, 256, 24):
        drawn[row : row + width] = 80
    noisy = drawn + np.random.default_rng(11).normal(0, 6, drawn.shape)
    result = segment(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), Recipe(preset=preset, n_clusters="auto"))
    assert result.mixture.n_components == 2
    assert result.components[0].pixels / drawn.size == pytest.approx((drawn == 80).mean(), abs=0.005)


@pytest.mark.parametrize("seed", [1, 2])
def test_few_grey_levels_are_not_as_many_clusters(seed):
    spec = Spec(seed=seed, shape="blobs", areas=(0.6, 0.4), size=14.0, noise=0.1, extra="quantised")
    result = segment(make(spec).pixels, Recipe(n_clusters="auto"))
    assert result.mixture.n_components == 2


@pytest.mark.parametrize("preset", ["colours", "areas"])
def test_a_number_that_is_chosen_gives_what_asking_for_it_gives(preset):
    drawn = phases(4, n_phases=3, separation=5.0)
    chosen = segment(drawn.pixels, Recipe(preset=preset, n_clusters="auto"))
    asked = segment(drawn.pixels, Recipe(preset=preset, n_clusters=chosen.mixture.n_components))
    assert chosen.labels.tobytes() == asked.labels.tobytes()
    assert chosen.mixture.to_json() == asked.mixture.to_json()


def test_an_automatic_result_has_all_candidates():
    drawn = phases(4, n_phases=4, separation=5.0, smallest_area=0.1)
    result = segment(drawn.pixels, Recipe(n_clusters="auto"))
    assert result.mixture.n_components == result.choice.n_clusters == 4
    assert [one.n_clusters for one in result.choice.candidates] == list(range(1, 11))
    assert result.candidate_maps.shape == (10, 86, 86)
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
    pixels = phases(5).pixels
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
    values = np.array([[1.0], [50.0], [200.0]])
    sample = PixelSample(Data.of(values, np.array([5, 6, 7])), np.zeros(3, np.intp))
    choice = choose_n_clusters(sample, np.random.default_rng(0), line=straight, floor=np.ones(1))
    assert [one.n_clusters for one in choice.candidates] == [1, 2, 3]


def test_edges_are_steep_and_flat_noise_is_not():
    rng = np.random.default_rng(0)
    picture = np.full((100, 100, 3), 80.0)
    picture[:, 50:] = 140
    everywhere = np.ones((1, 100, 100), bool)
    classes = steepness_classes((picture + rng.normal(0, 5, picture.shape))[None], everywhere)[0]
    assert (classes[:, 49:51] >= 3).all()
    assert (classes[:, :45] <= 1).mean() > 0.9
    assert (classes[:, 55:] <= 1).mean() > 0.9


def test_steepness_beside_pixels_without_data_is_not_known():
    valid = np.ones((1, 30, 30), bool)
    valid[0, :, 20:] = False
    classes = steepness_classes(np.where(valid, 100, 0)[..., None].astype(np.uint8), valid)[0]
    assert (classes[:, 17:20] == 4).all()
    assert (classes[:, :16] == 0).all()


def test_pixels_without_data_do_not_change_the_number():
    drawn = phases(4, n_phases=3, separation=5.0)
    valid = np.ones(drawn.truth.shape, bool)
    valid[80:120, 50:200] = False
    filled = [np.where(valid[..., None], drawn.pixels, fill).astype(np.uint8) for fill in (0, 255)]
    choices = [segment(pixels, Recipe(n_clusters="auto"), valid=valid).choice for pixels in filled]
    assert choices[0].n_clusters == 3
    assert [one.criteria for one in choices[0].candidates] == [one.criteria for one in choices[1].candidates]


def test_criteria_are_those_of_the_definition(china):
    values = china[::6, ::6].reshape(-1, 3)
    mixture = segment(china, Recipe(n_clusters=4)).mixture
    model = MixedPixelMixture.of(mixture, straight)
    found = criteria(model, Data.of(values, np.ones(len(values))), 2000.0)
    densities = np.stack(
        [
            weight * multivariate_normal(mean, covariance).pdf(values)
            for weight, mean, covariance in zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
        ]
    )
    densities = densities * (1 - model.outliers)
    outliers = model.outliers / 256.0**3
    shares = densities / (densities.sum(axis=0) + outliers)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=0).mean()
    level = np.log(densities.sum(axis=0) + outliers).mean()
    assert found.log_likelihood == pytest.approx(level, abs=1e-6)
    assert found.entropy == pytest.approx(entropy, abs=1e-5)
    assert found.bic == pytest.approx(2000 * level - (3 + 4 * 9) / 2 * np.log(2000), abs=0.01)
    assert found.icl == pytest.approx(found.bic - 2000 * entropy, abs=0.01)


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
