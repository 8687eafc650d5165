"""Hundreds of pictures whose truth is known, from seeds that nothing was tuned on."""

import numpy as np
import pytest

from benchmarks.counting import COUNTED, SMOOTHED, found_of, mislabelled_shares, phases

pytestmark = pytest.mark.soak

FRESH = 10_000  # seeds from here on


def test_the_true_number_of_phases_is_found_in_80_of_100():
    assert found_of(phases, range(FRESH, FRESH + 100)) >= 80


@pytest.mark.parametrize("name", list(COUNTED)[1:])
def test_harder_ones_are_counted(name, record_property, capsys):
    right = found_of(COUNTED[name], range(FRESH, FRESH + 100))
    record_property("right of 100", right)
    with capsys.disabled():
        print(f"\n{right:4d} of 100 numbers found: {name}")  # noqa: T201 - the table is what the test is for


@pytest.mark.parametrize("name", SMOOTHED)
def test_smoothing_forgives_noise_that_mislabels_a_fifth(name):
    shares = mislabelled_shares(SMOOTHED[name], range(FRESH, FRESH + 10))
    assert np.mean(shares) <= (0.05 if "correlated" in name else 0.02)
