import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.engine import legend as legends
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.gmm import Component
from segmentation.engine.legend import Cluster, Legend


def component(pixels=10, border_pixels=2, colour=(10.0, 20.0, 30.0), soft_pixels=None):
    red, green, blue = colour
    products = (red * red, red * green, red * blue, green * green, green * blue, blue * blue)
    return Component(
        pixels=pixels,
        soft_pixels=float(pixels if soft_pixels is None else soft_pixels),
        border_pixels=border_pixels,
        sum=tuple(pixels * value for value in colour),
        products=tuple(pixels * value for value in products),
    )


def components_of(labels, picture=None):
    """Return the components of a label map, computed by brute force; every label from 0 to the largest is one."""
    labels = np.asarray(labels, dtype=np.uint8)
    border = np.ones(labels.shape, dtype=bool)
    border[1:-1, 1:-1] = False
    numbers = range(int(labels[labels < 254].max()) + 1)
    return [
        component(
            pixels=int((labels == number).sum()),
            border_pixels=int(((labels == number) & border).sum()),
            colour=(0.0, 0.0, 0.0) if picture is None else tuple(picture[labels == number].mean(axis=0)),
        )
        for number in numbers
    ]


@pytest.fixture
def four():
    """Four clusters of one component each."""
    return Legend(tuple(Cluster(f"Cluster {k + 1}", f"#{k}{k}{k}{k}{k}{k}", k % 2 == 1, (k,)) for k in range(4)))


def assert_refused(action, sentence):
    with pytest.raises(SegmentationError) as refused:
        action()
    assert (refused.value.code, str(refused.value)) == ("invalid_request", sentence)


# --- The first legend -------------------------------------------------------------------------------------------------


def test_a_new_result_has_one_cluster_a_component_in_its_mean_colour():
    first = legends.initial_legend([component(colour=(0.4, 127.6, 255.0)), component(colour=(16.0, 32.0, 48.0))])
    assert [cluster.name for cluster in first.clusters] == ["Cluster 1", "Cluster 2"]
    assert first.colours == ("#0080ff", "#102030")
    assert [cluster.components for cluster in first.clusters] == [(0,), (1,)]
    assert first.is_plain


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Cluster 1", 1),
        ("Cluster 254", 254),
        ("Cluster 0", None),
        ("Cluster 01", None),
        ("cluster 1", None),
        ("Stain", None),
    ],
)
def test_a_default_name_is_known_by_its_number(name, number):
    assert Cluster(name, "#000000", True, (0,)).default_number == number


def test_every_name_of_a_new_result_is_a_default_name():
    first = legends.initial_legend([component() for _ in range(254)])
    assert [cluster.default_number for cluster in first.clusters] == list(range(1, 255))


def test_an_object_inside_is_foreground_and_its_surroundings_are_not():
    labels = np.zeros((20, 30), dtype=int)
    labels[5:15, 8:22] = 1
    labels[8:12, 12:18] = 2
    assert legends.default_foreground(components_of(labels)) == {1, 2}


def test_an_object_that_touches_the_border_a_little_is_still_foreground():
    labels = np.zeros((20, 30), dtype=int)
    labels[6:, 10:20] = 1  # stands on the lower border: 10 of 96 border pixels, 130 of 504 inside
    assert legends.default_foreground(components_of(labels)) == {1}


def test_the_default_foreground_depends_on_shares_and_not_on_counts():
    """40 of 96 border pixels are fewer than 160 of 504 inside, yet the larger share."""
    assert legends.default_foreground([component(200, 40), component(400, 56)]) == {1}


def test_when_all_are_equally_common_everywhere_the_least_common_on_the_border_is_chosen():
    assert legends.default_foreground([component(100, 20), component(50, 10), component(50, 10)]) == {1}


def test_a_picture_that_is_all_border_has_the_rarest_cluster_as_foreground():
    row = [[0, 0, 0, 1, 1, 2, 2, 2]]
    assert legends.default_foreground(components_of(row)) == {1}


def test_a_picture_whose_border_is_transparent_has_the_first_cluster_as_foreground():
    labels = np.full((6, 6), 255)
    labels[1:-1, 1:3] = 0
    labels[1:-1, 3:5] = 1
    assert legends.default_foreground(components_of(labels)) == {0}


def test_a_cluster_without_pixels_is_no_foreground_while_there_is_another():
    assert legends.default_foreground([component(0, 0), component(100, 30), component(100, 30)]) == {1}


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 9)])
def test_the_only_cluster_of_a_picture_in_one_colour_is_its_foreground(shape):
    first = legends.initial_legend(components_of(np.zeros(shape)))
    assert [cluster.foreground for cluster in first.clusters] == [True]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=8))
def test_the_default_foreground_is_never_nothing_and_of_several_never_all(counts):
    components = [component(inside + border, border) for inside, border in counts]
    chosen = legends.default_foreground(components)
    assert chosen
    assert chosen <= set(range(len(components)))
    assert len(chosen) < len(components) or len(components) == 1


# --- Changes ----------------------------------------------------------------------------------------------------------


def test_every_change_returns_a_new_legend_and_leaves_the_old_one(four):
    before = four.to_mapping()
    assert [cluster.foreground for cluster in four.with_foreground(0, True).clusters] == [True, True, False, True]
    assert four.with_name(2, "  Stain ").clusters[2].name == "Stain"
    assert four.with_colour(3, "#ABCDEF").colours == ("#000000", "#111111", "#222222", "#abcdef")
    four.merged(0, 1)
    four.reordered([3, 2, 1, 0])
    assert four.to_mapping() == before


def test_a_merged_cluster_keeps_the_first_ones_name_colour_and_flag(four):
    merged = four.merged(2, 0)
    assert [cluster.name for cluster in merged.clusters] == ["Cluster 2", "Cluster 3", "Cluster 4"]
    assert merged.clusters[1] == Cluster("Cluster 3", "#222222", False, (0, 2))
    assert not merged.is_plain


def test_a_new_order_lists_the_old_indices(four):
    assert [cluster.name for cluster in four.reordered([2, 0, 3, 1]).clusters] == [
        "Cluster 3", "Cluster 1", "Cluster 4", "Cluster 2",
    ]  # fmt: skip
    assert four.reordered([0, 1, 2, 3]) == four


def test_the_look_up_follows_merging_and_order_and_keeps_what_is_no_cluster(four):
    lookup = four.merged(3, 1).reordered([2, 0, 1]).cluster_of_component()
    assert (lookup.dtype, lookup.shape) == (np.uint8, (256,))
    assert lookup[[0, 1, 2, 3]].tolist() == [1, 0, 2, 0]
    assert lookup[255] == 255
    assert (lookup[4:255] == 254).all()


@given(st.data())
def test_any_chain_of_changes_holds_every_component_exactly_once(data):
    n_components = data.draw(st.integers(1, 9))
    legend = Legend(tuple(Cluster(f"C{k}", "#000000", False, (k,)) for k in range(n_components)))
    while len(legend.clusters) > 1 and data.draw(st.booleans()):
        places = data.draw(st.permutations(range(len(legend.clusters))))
        legend = legend.reordered(places).merged(places[0], places[1])
    assert sorted(number for cluster in legend.clusters for number in cluster.components) == list(range(n_components))
    assert Legend.from_mapping(json.loads(json.dumps(legend.to_mapping()))) == legend


@pytest.mark.parametrize("index", [-1, 4, 99])
def test_a_cluster_that_does_not_exist_cannot_be_changed(four, index):
    sentence = f"There is no cluster {index + 1} in this result."
    for action in (
        lambda: four.with_foreground(index, True),
        lambda: four.with_name(index, "x"),
        lambda: four.with_colour(index, "#000000"),
        lambda: four.merged(0, index),
    ):
        assert_refused(action, sentence)


def test_a_cluster_cannot_be_merged_with_itself(four):
    assert_refused(lambda: four.merged(1, 1), "A cluster cannot be merged with itself.")


@pytest.mark.parametrize("order", [[], [0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 3, 3], [1, 2, 3, 4]])
def test_an_order_must_name_every_cluster_once(four, order):
    assert_refused(lambda: four.reordered(order), "An order must contain every cluster exactly once.")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_has_1_to_100_characters(four, name):
    assert_refused(lambda: four.with_name(0, name), "A cluster's name must have 1 to 100 characters.")


def test_a_name_of_100_characters_is_taken(four):
    assert four.with_name(0, "é" * 100).clusters[0].name == "é" * 100


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "123456", "#123456\n", ""])
def test_a_colour_is_six_hexadecimal_digits(four, colour):
    assert_refused(lambda: four.with_colour(0, colour), f"A colour must look like #1a2b3c, not “{colour}”.")


# --- JSON -------------------------------------------------------------------------------------------------------------


def a_cluster(**changes):
    return {"name": "A", "colour": "#010203", "foreground": True, "components": [0]} | changes


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"schema": 1},
        {"schema": 2, "clusters": [a_cluster()]},
        {"schema": 1, "clusters": {}},
        {"schema": 1, "clusters": []},
        {"schema": 1, "clusters": ["A"]},
        *(
            {"schema": 1, "clusters": [a_cluster(**changes)]}
            for changes in (
                {"name": 5},
                {"name": None},
                {"colour": 0},
                {"foreground": 1},
                {"components": []},
                {"components": "0"},
                {"components": [0.0]},
                {"components": [True]},
                {"components": [-1]},
                {"components": [254]},
                {"components": [1]},
                {"components": [0, 0]},
            )
        ),
        {"schema": 1, "clusters": [a_cluster(), a_cluster()]},
        {"schema": 1, "clusters": [a_cluster(), a_cluster(components=[2])]},
    ],
    ids=str,
)
def test_an_invalid_legend_is_refused(mapping):
    with pytest.raises(SegmentationError) as refused:
        Legend.from_mapping(mapping)
    assert refused.value.code == "invalid_request"
    assert str(refused.value)


def test_a_legend_is_written_with_its_schema():
    legend = Legend((Cluster("A", "#010203", True, (1, 0)),))
    assert legend.to_mapping() == {
        "schema": 1,
        "clusters": [{"name": "A", "colour": "#010203", "foreground": True, "components": [0, 1]}],
    }


# --- Statistics ---------------------------------------------------------------------------------------------------------


def test_statistics_of_merged_clusters_are_those_of_their_pixels(four):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, (30, 40)).astype(np.uint8)
    labels[:3] = 255
    picture = rng.integers(0, 256, (30, 40, 3)).astype(float)
    components = components_of(labels, picture)
    merged, alone, other = legends.cluster_statistics(four.merged(0, 2), components)
    inside = np.isin(labels, [0, 2])
    assert merged.pixels == inside.sum()
    assert merged.share == pytest.approx(inside.sum() / (27 * 40))
    assert merged.mean == pytest.approx(tuple(picture[inside].mean(axis=0)))
    assert merged.mean_colour == "#{:02x}{:02x}{:02x}".format(*picture[inside].mean(axis=0).round().astype(int))
    assert merged.share + alone.share + other.share == pytest.approx(1)


def test_the_soft_area_of_a_merged_cluster_is_the_sum_of_its_components(four):
    components = [component(10, soft_pixels=soft) for soft in (9.5, 10.25, 8.0, 12.25)]
    merged, *_ = legends.cluster_statistics(four.merged(0, 3), components)
    assert (merged.pixels, merged.soft_pixels) == (20, 21.75)


def test_the_foreground_share_counts_pixels_with_data(four):
    components = [component(pixels) for pixels in (10, 20, 30, 40)]
    assert legends.foreground_share(legends.cluster_statistics(four, components)) == pytest.approx(0.6)
    nothing = four.with_foreground(1, False).with_foreground(3, False)
    assert legends.foreground_share(legends.cluster_statistics(nothing, components)) == 0
