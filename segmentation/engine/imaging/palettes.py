"""Palettes: colours of clusters that people with any colour vision can tell apart, and ramps for maps of values.

The colours of clusters are chosen by farthest-point sampling (Gonzalez, 1985): each colour is the candidate with the largest
distance to the nearest colour chosen before. The distance of two colours is the smallest of three distances in CIE L*a*b*
(1976, D65): with normal vision, without red cones and without green cones (Machado, Oliveira and Fernandes, 2009).
"""

import functools

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

LEVELS = 254
"""Number of colours of a ramp, for label values 0 to 253; 254 and 255 have no colour."""

# The colour map magma (van der Walt and Smith, 2015) at equal steps.
_MAGMA = bytes.fromhex(
    "000004 0a061a 130b31 1e1046 30115a 42116d 53147c 651a7e 762180 882780 9a2d7e ac337b"
    "bd3b76 ce446f df4d67 ea5c63 f16f62 f98261 fc966b fdab78 febf85 fdd498 fde8ac fcfdbf"
)

_STEPS = 18  # values of each channel among the candidates
_DARKEST, _LIGHTEST = 22.0, 92.0  # L*; apart from black and white, the backgrounds of the two themes
_FIRST = "#0072b2"
_PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
_DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
_VISIONS = np.array([np.eye(3), _PROTANOPIA, _DEUTERANOPIA])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


@functools.cache
def separated(n: int) -> tuple[str, ...]:
    """Return `n` colours that are easy to tell apart, as "#rrggbb"; the first colours are the same for every `n`.

    Parameters
    ----------
    n : int
        Number of colours, 1 to 254.
    """
    channel = np.rint(np.linspace(0, 255, _STEPS))
    candidates = np.stack(np.meshgrid(channel, channel, channel, indexing="ij"), axis=-1).reshape(-1, 3)
    lightness = perceived_lab(candidates)[0, :, 0]
    candidates = candidates[(lightness > _DARKEST) & (lightness < _LIGHTEST)]
    lab = perceived_lab(candidates)
    chosen = [np.frombuffer(bytes.fromhex(_FIRST[1:]), np.uint8).astype(np.float64)]
    nearest = np.full(len(candidates), np.inf)
    while len(chosen) < n:
        distance = np.linalg.norm(lab - perceived_lab(chosen[-1][None]), axis=2).min(axis=0)
        nearest = np.minimum(nearest, distance)
        chosen.append(candidates[int(nearest.argmax())])
    return tuple("#{:02x}{:02x}{:02x}".format(*map(int, colour)) for colour in chosen[:n])


def greys() -> tuple[str, ...]:
    """Return `LEVELS` greys from black to white, as "#rrggbb"."""
    return _ramp(bytes([0, 0, 0, 255, 255, 255]))


@functools.cache
def heat() -> tuple[str, ...]:
    """Return `LEVELS` colours of the colour map magma, black to pale yellow with evenly rising lightness, as "#rrggbb"."""
    return _ramp(_MAGMA)


def _ramp(colours: bytes) -> tuple[str, ...]:
    """Return `LEVELS` colours interpolated linearly between the given ones (three bytes each), as "#rrggbb"."""
    anchors = np.frombuffer(colours, np.uint8).reshape(-1, 3)
    positions = np.linspace(0, len(anchors) - 1, LEVELS)
    channels = np.rint([np.interp(positions, np.arange(len(anchors)), band) for band in anchors.T]).astype(int)
    return tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in channels.T)


def perceived_lab(colours: Float) -> Float:
    """Return colours in CIE L*a*b* as people with and without the two common kinds of colour blindness see them.

    Parameters
    ----------
    colours : ndarray, shape (n, 3)
        sRGB, 0 to 255.

    Returns
    -------
    ndarray, shape (3, n, 3)
        L*a*b* with normal vision, without red cones, without green cones.
    """
    fraction = np.asarray(colours) / 255
    linear = np.where(fraction <= 0.04045, fraction / 12.92, ((fraction + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ _VISIONS.transpose(0, 2, 1), 0, 1) @ _TO_XYZ.T / (_TO_XYZ.sum(axis=1))
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    lightness = 116 * root[..., 1] - 16
    return np.stack([lightness, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], axis=-1)
