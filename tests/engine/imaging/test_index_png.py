from io import BytesIO

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segmentation.engine.imaging import index_png
from tests.engine.imaging.pictures import grey, saved

LABELS = np.array([[0, 1, 2, 254], [2, 1, 0, 255]], np.uint8)
COLOURS = ["#ff0000", "#00ff80", "#0102ff"]


def opened(data):
    """Return mode, values and RGBA colours of a file as Pillow reads it."""
    with PIL.Image.open(BytesIO(data)) as image:
        return image.mode, np.asarray(image), np.asarray(image.convert("RGBA"))


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
@settings(max_examples=30, deadline=None)
def test_every_label_comes_back_from_all_three_forms(labels):
    data = index_png.encode(labels)
    for form in (data, index_png.as_grey(data), index_png.with_palette(data, COLOURS)):
        again = index_png.decode(form)
        assert again.dtype == np.uint8
        np.testing.assert_array_equal(again, labels)


def test_labels_need_not_be_contiguous():
    labels = np.arange(48, dtype=np.uint8).reshape(6, 8)[::2, ::-1]
    np.testing.assert_array_equal(index_png.decode(index_png.encode(labels)), labels)


def test_as_it_is_encoded_every_index_shows_as_its_own_grey():
    mode, values, shown = opened(index_png.encode(LABELS))
    assert mode == "P"
    np.testing.assert_array_equal(values, LABELS)
    np.testing.assert_array_equal(shown[:, :, 0], LABELS)


def test_as_grey_it_has_one_band_whose_value_is_the_index():
    mode, values, _ = opened(index_png.as_grey(index_png.encode(LABELS)))
    assert mode == "L"
    np.testing.assert_array_equal(values, LABELS)


def test_with_a_palette_it_shows_the_colours_and_what_has_no_component_is_clear():
    mode, values, shown = opened(index_png.with_palette(index_png.encode(LABELS), COLOURS))
    assert mode == "P"
    np.testing.assert_array_equal(values, LABELS)
    red, green, blue = (255, 0, 0, 255), (0, 255, 128, 255), (1, 2, 255, 255)
    assert [tuple(map(int, pixel)) for pixel in shown[0, :3]] == [red, green, blue]
    assert shown[:, 3, 3].tolist() == [0, 0]


def test_254_colours_have_room():
    colours = [f"#{index:02x}0000" for index in range(254)]
    labels = np.arange(254, dtype=np.uint8)[None]
    _, _, shown = opened(index_png.with_palette(index_png.encode(labels), colours))
    assert shown[0, :, 0].tolist() == list(range(254))
    assert (shown[:, :, 3] == 255).all()


def test_the_compressed_labels_are_the_same_bytes_in_all_forms():
    data = index_png.encode(LABELS)
    (stream,) = [body for kind, body in index_png._chunks(data) if kind == b"IDAT"]
    assert stream in index_png.as_grey(data)
    assert stream in index_png.with_palette(data, COLOURS)


@pytest.mark.parametrize("form", [index_png.as_grey, lambda data: index_png.with_palette(data, COLOURS)])
def test_no_chunk_makes_a_browser_change_the_values(form):
    kinds = {kind for kind, _ in index_png._chunks(form(index_png.encode(LABELS)))}
    assert kinds <= {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def test_one_map_gives_the_same_bytes_always():
    assert index_png.encode(LABELS) == index_png.encode(LABELS.copy())


def test_a_colour_picture_is_no_label_map():
    with pytest.raises(ValueError, match="one 8-bit band"):
        index_png.decode(saved(grey((4, 4, 3)), "PNG"))
