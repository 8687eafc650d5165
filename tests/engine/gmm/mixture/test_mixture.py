import json
import pickle

import numpy as np
import pytest

from segmentation.engine.gmm import Mixture, Recipe, segment


@pytest.fixture
def mixture(three_inks):
    return segment(three_inks(shape=(50, 50))[0], Recipe()).mixture


def test_json_keeps_every_bit(mixture):
    again = Mixture.from_json(mixture.to_json())
    for name in ("weights", "means", "covariances"):
        assert getattr(again, name).tobytes() == getattr(mixture, name).tobytes()
    assert json.loads(mixture.to_json())["schema"] == 1


def test_a_mixture_crosses_process_borders(mixture):
    assert pickle.loads(pickle.dumps(mixture)).to_json() == mixture.to_json()  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    "text",
    ['{"schema": 2}', '{"weights": [1]}', "[", '{"schema": 1, "weights": [1], "means": [[1]], "covariances": [1]}'],
)
def test_invalid_json_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error is one too
        Mixture.from_json(text)


@pytest.mark.parametrize(
    ("weights", "means", "covariances"),
    [
        ([0.5, 0.5], [[1.0, 2.0]], [np.eye(2)]),
        ([1.0], [[1.0, 2.0]], [np.eye(3)]),
        ([1.0], [[1.0, np.nan]], [np.eye(2)]),
        ([1.0, 0.0], [[1.0], [2.0]], [[[1.0]], [[1.0]]]),
        ([], np.zeros((0, 3)), np.zeros((0, 3, 3))),
    ],
)
def test_invalid_parameters_are_refused(weights, means, covariances):
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is for programmers
        Mixture(weights, means, covariances)


def test_its_arrays_cannot_be_changed(mixture):
    with pytest.raises(ValueError, match="read-only"):
        mixture.means[0, 0] = 1


def test_densities_integrate_to_one():
    mixture = Mixture([0.3, 0.7], [[100.0], [130.0]], [[[25.0]], [[9.0]]])
    grid = np.arange(0, 255, 0.01)[:, None]
    assert np.exp(mixture.log_density(grid)).sum() * 0.01 == pytest.approx(1, abs=1e-9)


def test_values_of_any_leading_shape_are_taken(mixture):
    values = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    assert mixture.predict(values).shape == mixture.log_density(values).shape == (4, 5, 6)
    assert mixture.posterior(values).shape == (4, 5, 6, 3)
    np.testing.assert_allclose(mixture.posterior(values).sum(axis=-1), 1)
    assert mixture.predict(values[0, 0, 0]).shape == ()
    assert mixture.predict(values[:0]).shape == (0, 5, 6)
    with pytest.raises(ValueError, match="3 entries"):
        mixture.predict(np.zeros((5, 2)))


def test_a_value_far_from_all_components_has_a_finite_density():
    mixture = Mixture([1.0], [[0.0, 0.0, 0.0]], [np.eye(3) / 12])
    expected = -1.5 * np.log(2 * np.pi / 12) - 6 * 3 * 255**2
    assert mixture.log_density([255, 255, 255]) == pytest.approx(expected)


def test_prediction_does_not_depend_on_how_values_are_grouped(mixture):
    values = np.random.default_rng(0).integers(0, 256, (20_000, 3), dtype=np.uint8)
    one_by_one = np.array([mixture.predict(value) for value in values[:500]])
    np.testing.assert_array_equal(mixture.predict(values)[:500], one_by_one)
    np.testing.assert_array_equal(mixture.predict(values)[::-1], mixture.predict(values[::-1]))
