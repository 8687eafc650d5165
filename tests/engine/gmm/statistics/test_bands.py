"""Mean and spread of bands, from sums that add when components are merged."""

import json

import numpy as np
import pytest

from segmentation.engine.gmm.statistics.bands import BandSums, band_sums

LABELS = np.random.default_rng(1).choice(np.array([0, 1, 2, 255], np.uint8), (70, 90), p=[0.5, 0.3, 0.1, 0.1])


def values(dtype, offset, spread):
    drawn = np.random.default_rng(0).normal(offset, spread, (70, 90, 2))
    return drawn.astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "offset", "spread"),
    [
        (np.uint16, 30_000, 900),
        (np.int32, -2e9, 5),
        (np.float32, 273.15, 0.01),
        (np.float64, 1e12, 3),
        (np.float64, 0, 1e300),
        (np.float64, 0, 1e-300),
    ],
)
def test_mean_and_spread_are_those_of_numpy_also_of_merged_components(dtype, offset, spread):
    data = values(dtype, offset, spread)
    sums = BandSums.from_mapping(json.loads(json.dumps(band_sums(data, LABELS, 3).to_mapping(), allow_nan=False)))
    scale = max(abs(offset), spread)
    for merged in ([0], [1], [0, 2], [0, 1, 2]):
        inside = data[np.isin(LABELS, merged)].astype(np.longdouble) / scale
        found = sums.of(merged)
        np.testing.assert_allclose(
            [b.mean / scale for b in found], inside.mean(axis=0).astype(float), rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose([b.sd / scale for b in found], inside.std(axis=0, ddof=1).astype(float), rtol=1e-8)


def test_pixels_without_data_may_hold_anything():
    data = values(np.float32, 5, 1)
    data[LABELS == 255] = np.nan
    (found, _other) = band_sums(data, LABELS, 3).of([0])
    assert found.mean == pytest.approx(data[LABELS == 0][:, 0].mean(dtype=np.float64))


def test_a_component_without_a_pixel_has_no_bands_and_a_single_pixel_no_spread():
    labels = np.full((4, 5), 255, np.uint8)
    labels[1, 2] = 1
    sums = band_sums(np.full((4, 5, 1), 7, np.uint16), labels, 2)
    assert sums.of([0]) == ()
    (band,) = sums.of([0, 1])
    assert (band.mean, band.sd) == (7, 0)
