"""Sums over regions and borders against a recount, pixel by pixel."""

import numpy as np
import pytest

from segmentation.engine.gmm.regions import region_sums
from segmentation.engine.gmm.regions.graph import borders, build_graph, orientation
from segmentation.engine.gmm.regions.merging import Merging
from tests.engine.gmm.regions.oracle import Oracle, merged_masks, straight_energy


@pytest.fixture
def counted(scene):
    """A scene, its graph, and the oracle."""
    arrays = scene()
    graph = build_graph(**arrays)
    return arrays, graph, Oracle(arrays, graph)


def columns(sums, inside, arrays, oracle):
    """Each kind of sum of a region, given as a mask: what was found, and what is counted."""
    counted = inside & arrays["valid"]
    y, x = np.argwhere(counted).T / max(counted.shape) - 0.5
    colours = arrays["colours"][:, counted].astype(np.float64)
    m, t = oracle.gradients(inside)
    perimeter, edge = oracle.outline(inside)
    return {
        "area": (sums[region_sums.AREA], [np.count_nonzero(counted)]),
        "perimeter": (sums[region_sums.PERIMETER], [perimeter]),
        "edge": (sums[region_sums.EDGE], [edge]),
        "colour": (sums[region_sums.COLOUR], colours.sum(axis=1)),
        "square": (sums[region_sums.SQUARE], (colours**2).sum(axis=1)),
        "colour x": (sums[region_sums.COLOUR_X], colours @ x),
        "colour y": (sums[region_sums.COLOUR_Y], colours @ y),
        "position": (sums[region_sums.POSITION], [x.sum(), y.sum(), x @ x, x @ y, y @ y]),
        "gradient": (sums[region_sums.GRADIENT], [m.sum()]),
        "orientation": (
            sums[region_sums.ORIENTATION],
            [m @ np.cos(2 * t), m @ np.cos(4 * t), m @ np.sin(2 * t), m @ np.sin(4 * t)],
        ),
        "posteriors": (sums[region_sums.POSTERIORS], np.concatenate(arrays["posteriors"])[:, counted].sum(axis=1)),
    }


def test_sums_of_leaves_are_what_is_counted_pixel_by_pixel(counted):
    arrays, graph, oracle = counted
    for leaf, sums in enumerate(graph.sums):
        for name, (found, expected) in columns(sums, arrays["labels"] == leaf, arrays, oracle).items():
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-3, err_msg=name)


def test_borders_of_leaves_are_what_is_counted_pixel_by_pixel(counted):
    arrays, graph, oracle = counted
    labels = arrays["labels"]
    across = np.concatenate(
        [
            np.stack([labels[:, :-1], labels[:, 1:]], -1).reshape(-1, 2),
            np.stack([labels[:-1], labels[1:]], -1).reshape(-1, 2),
        ]
    )
    assert [tuple(pair) for pair in graph.pairs.tolist()] == sorted(
        {tuple(sorted(pair)) for pair in across.tolist() if pair[0] != pair[1]}
    )
    for (one, other), found in zip(graph.pairs.tolist(), graph.borders, strict=True):
        np.testing.assert_allclose(found, oracle.border(labels == one, labels == other), rtol=1e-5)


@pytest.mark.parametrize("n_regions", [1, 2, 7])
def test_sums_of_merged_regions_are_those_counted_anew(counted, n_regions):
    arrays, graph, oracle = counted
    merging = Merging(graph)
    masks = merged_masks(merging, arrays["labels"], n_regions)
    for region, inside in masks.items():
        sums = merging.sums[region]
        for name, (found, expected) in columns(sums, inside, arrays, oracle).items():
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-3, err_msg=name)
    pairs, found = merging.borders()
    for (one, other), border in zip(pairs.tolist(), found, strict=True):
        np.testing.assert_allclose(border, oracle.border(masks[one], masks[other]), rtol=1e-5)
    touching = {(i, j) for i in masks for j in masks if i < j and oracle.border(masks[i], masks[j])[0]}
    assert {tuple(pair) for pair in pairs.tolist()} == touching


def test_border_energies_follow_the_direction_of_the_border(counted):
    arrays, graph, _ = counted
    expected = [straight_energy(arrays["labels"], arrays["energy"], pair) for pair in graph.pairs.tolist()]
    np.testing.assert_allclose(graph.borders[:, 1], expected, rtol=1e-5)


@pytest.mark.parametrize(("axis", "degrees"), [(1, 0), (0, 90)])
def test_a_straight_border_has_its_normal(axis, degrees):
    labels = np.zeros((40, 40), int)
    labels[(slice(None),) * axis + (slice(20, None),)] = 1
    angle, straightness = orientation(borders(labels), 40)
    assert np.degrees(angle[0]) % 180 == pytest.approx(degrees)
    assert straightness[0] > 0.99


@pytest.mark.parametrize("degrees", [0, 30, 90, 160])
def test_orientation_is_that_of_a_ramp_whichever_end_is_bright(degrees):
    y, x = np.mgrid[:20, :30]
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    for ramp in (along, -along):
        inside = region_sums.orientations(ramp.astype(np.float32)).reshape(5, 20, 30)[:, 1:-1, 1:-1]
        np.testing.assert_allclose(inside[0], 1, rtol=1e-4)
        expected = [f(np.radians(n * degrees)) for f in (np.cos, np.sin) for n in (2, 4)]
        np.testing.assert_allclose(inside[1:].mean(axis=(1, 2)), expected, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (3, 4)])
def test_sides_at_the_edge_are_the_outline_of_the_picture(shape):
    assert region_sums.edge_sides(shape).sum() == 2 * sum(shape)
