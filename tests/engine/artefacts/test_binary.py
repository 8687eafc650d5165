import numpy as np
import pytest

from segmentation.engine.artefacts.binary import Binary


def test_foreground_is_white_and_everything_else_black_including_pixels_without_data(made, labels, legend, read):
    mask, mode = read(made(Binary(), legend))
    assert mode == "L"
    np.testing.assert_array_equal(mask, np.where((labels == 1) | (labels == 4), 255, 0))


def test_a_merged_cluster_is_in_the_mask_with_all_its_components(made, labels, legend, read):
    merged = legend.merged(1, 2).reordered([3, 2, 1, 0])
    mask, _ = read(made(Binary(), merged))
    np.testing.assert_array_equal(mask, np.isin(labels, [1, 2, 4]) * 255)


@pytest.mark.parametrize("foreground", [True, False])
def test_all_clusters_or_none_may_be_foreground(made, labels, legend, read, foreground):
    for index in range(5):
        legend = legend.with_foreground(index, foreground)
    mask, _ = read(made(Binary(), legend))
    np.testing.assert_array_equal(mask, (labels < 254) * 255 * foreground)


def test_order_and_colours_change_no_byte_of_the_mask(made, legend):
    plain = made(Binary(), legend)
    assert made(Binary(), legend.reordered([4, 3, 2, 1, 0]).with_colour(0, "#000000")) == plain


def test_a_mask_is_a_plain_grey_png(made, legend, chunks):
    assert set(chunks(made(Binary(), legend))) == {"IHDR", "IDAT", "IEND"}
