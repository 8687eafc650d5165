import io

import numpy as np
import PIL.Image
import pytest

from segmentation.engine.exports import labels_png, segmented_png
from segmentation.engine.imaging import palettes

COLOUR_CHUNKS = {"gAMA", "sRGB", "iCCP", "cHRM", "cICP"}


def rgba(data):
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return picture.mode, np.asarray(picture.convert("RGBA"))


def label_map(labels, colours):
    """The expected picture, pixel by pixel; transparent pixels have no colour to compare."""
    expected = np.zeros((*labels.shape, 4), dtype=np.uint8)
    for index, colour in enumerate(colours):
        expected[labels == index] = (*bytes.fromhex(colour[1:]), 255)
    return expected


def assert_looks_like(data, expected):
    mode, picture = rgba(data)
    assert mode == "P"
    np.testing.assert_array_equal(picture[..., 3], expected[..., 3])
    opaque = expected[..., 3] == 255
    np.testing.assert_array_equal(picture[opaque], expected[opaque])


def test_every_pixel_has_its_clusters_colour_and_none_where_there_is_no_cluster(components_png, labels, legend):
    assert_looks_like(segmented_png.export(components_png, legend), label_map(labels, legend.colours))


@pytest.mark.parametrize("colours", [palettes.separated(5), ["#010101", "#020202", "#030303", "#040404", "#050505"]])
def test_other_colours_can_be_asked_for(components_png, labels, legend, colours):
    assert_looks_like(segmented_png.export(components_png, legend, colours=colours), label_map(labels, colours))


def test_a_merged_cluster_has_one_colour(components_png, labels, legend):
    merged = legend.merged(2, 0)  # cluster 0 is component 1, cluster 1 components 0 and 2, then 3 and 4
    colours = [legend.colours[component] for component in (2, 1, 2, 3, 4)]
    assert_looks_like(segmented_png.export(components_png, merged), label_map(labels, colours))


def test_a_new_order_changes_no_visible_pixel(components_png, labels, legend):
    reordered = segmented_png.export(components_png, legend.reordered([4, 2, 0, 1, 3]))
    assert_looks_like(reordered, label_map(labels, legend.colours))


def test_recolouring_leaves_the_compressed_stream(components_png, legend, chunks):
    streams = {
        chunks(data)["IDAT"]
        for data in (
            components_png,
            segmented_png.export(components_png, legend),
            segmented_png.export(components_png, legend, colours=palettes.separated(5)),
            labels_png.export(components_png, legend),
        )
    }
    assert len(streams) == 1


def test_nothing_tells_a_browser_to_change_the_values(components_png, legend, chunks):
    assert not COLOUR_CHUNKS & set(chunks(segmented_png.export(components_png, legend)))
