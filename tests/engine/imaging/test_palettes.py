import itertools

import numpy as np
import pytest
from skimage.color import rgb2lab

from segmentation.engine.imaging import palettes

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
BLIND_TO = {
    "nothing": np.eye(3),
    "red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def values(colours):
    return np.array([list(bytes.fromhex(colour[1:])) for colour in colours])


def lab_as_seen(colours, without):
    """Return L*a*b* by scikit-image, an independent implementation, of colours seen without one kind of cones."""
    share = values(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = (linear @ BLIND_TO[without].T).clip(0, 1)
    back = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return rgb2lab(back[None])[0]


@pytest.mark.parametrize("n", [1, 2, 12, 64, 254])
def test_there_are_as_many_different_colours_as_wanted(n):
    colours = palettes.separated(n)
    assert len(colours) == len(set(colours)) == n
    assert all(len(colour) == 7 and colour[0] == "#" and int(colour[1:], 16) >= 0 for colour in colours)


def test_the_first_of_more_colours_are_the_same():
    longest = palettes.separated(254)
    for n in (1, 2, 5, 12, 100):
        assert palettes.separated(n) == longest[:n]


@pytest.mark.parametrize("without", BLIND_TO)
def test_twelve_colours_are_distinguishable_with_any_colour_vision(without):
    lab = lab_as_seen(palettes.separated(12), without)
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(lab, 2)) > 15


@pytest.mark.parametrize("without", BLIND_TO)
def test_what_colours_look_like_agrees_with_another_implementation(without):
    colours = palettes.separated(40)
    seen = palettes.perceived_lab(values(colours).astype(np.float64))[list(BLIND_TO).index(without)]
    np.testing.assert_allclose(seen, lab_as_seen(colours, without), atol=0.05)


def test_colours_stand_out_from_black_and_white():
    lightness = lab_as_seen(palettes.separated(254), "nothing")[:, 0]
    assert lightness.min() > 20
    assert lightness.max() < 93
