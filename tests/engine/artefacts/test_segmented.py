import io

import numpy as np
import PIL.Image

from segmentation.engine.artefacts.labels import Labels
from segmentation.engine.artefacts.segmented import Segmented
from segmentation.engine.imaging import palettes

COLOUR_CHUNKS = {"gAMA", "sRGB", "iCCP", "cHRM", "cICP"}


def rgba(data):
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return picture.mode, np.asarray(picture.convert("RGBA"))


def label_map(labels, colours):
    """Return the expected picture; transparent pixels are black, since their colour is not compared."""
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


def test_every_pixel_has_its_clusters_colour_and_none_where_there_is_no_cluster(made, labels, legend):
    assert_looks_like(made(Segmented(), legend), label_map(labels, legend.colours))


def test_the_separated_palette_can_be_requested(made, labels, legend):
    assert_looks_like(made(Segmented(), legend, palette="separated"), label_map(labels, palettes.separated(5)))


def test_a_merged_cluster_has_one_colour(made, labels, legend):
    merged = legend.merged(2, 0)  # cluster 0 is component 1, cluster 1 components 0 and 2, then 3 and 4
    colours = [legend.colours[component] for component in (2, 1, 2, 3, 4)]
    assert_looks_like(made(Segmented(), merged), label_map(labels, colours))


def test_a_new_order_changes_no_visible_pixel(made, labels, legend):
    reordered = made(Segmented(), legend.reordered([4, 2, 0, 1, 3]))
    assert_looks_like(reordered, label_map(labels, legend.colours))


def test_recolouring_leaves_the_compressed_stream(made, components_png, legend, chunks):
    streams = {
        chunks(data)["IDAT"]
        for data in (
            components_png,
            made(Segmented(), legend),
            made(Segmented(), legend, palette="separated"),
            made(Labels(), legend),
        )
    }
    assert len(streams) == 1


def test_no_chunk_makes_a_browser_change_the_values(made, legend, chunks):
    assert not COLOUR_CHUNKS & set(chunks(made(Segmented(), legend)))
