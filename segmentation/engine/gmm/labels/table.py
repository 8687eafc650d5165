"""Look-up tables of the labels of 24-bit colours; a picture has millions of pixels but few distinct colours.

The colour cube is divided into blocks of 8 x 8 x 8, which are filled when one of their colours is needed. A bound shows for
many blocks that all their colours have the same label, as in branch and bound; the other blocks are computed colour by colour.
(Blocks of 16 take twice as long, because most of their colours do not occur in a picture.) The entries are exactly those of
`densities.most_probable`, in whatever order blocks are filled.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import Transform
from segmentation.engine.gmm.mixture.densities import most_probable, most_probable_at, taylor
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, Indices, blocks, expand, monomials
from segmentation.engine.gmm.pixels.distinct_colours import CODES, decode

UNKNOWN = 255
"""Entry of a colour whose label has not been computed; other entries are labels."""

_WIDTH = 8
_BLOCKS_PER_SIDE = 256 // _WIDTH
_MIN_LEAD = 1e-6
"""Smallest bound, in nats, that proves a block to have one label; far above the rounding errors of the bounds."""

_TEST_BLOCKS, _COMPUTE_BLOCKS = 1024, 2**18 // _WIDTH**3
"""Number of blocks that are tested at a time, and of blocks times components that are computed at a time, in the cache."""

_REPEAT_EIGHT = np.uint64(0x0101010101010101)  # times a byte: eight times that byte

Entries = NDArray[np.uint8]


class Table(Protocol):
    """The interface of a table of labels by colour code."""

    entries: Entries  # (2^24,)

    def fill(self, codes: NDArray[np.integer]) -> None:
        """Compute the entries of the given colours (n,) that are unknown."""

    def labels(self, codes: NDArray[np.integer]) -> Entries:
        """Return the labels (n,) of colours whose entries are unknown."""


class LabelTable:
    """A table of the labels of colours under a mixture over red, green and blue.

    Parameters
    ----------
    theta : ndarray, shape (K, 10)
        From `densities.exact_parameters`; K at most 254.
    """

    def __init__(self, theta: Float) -> None:
        self._theta = theta
        self._filled = np.zeros((_BLOCKS_PER_SIDE,) * 3, np.bool_)  # by red, green and blue
        self.entries: Entries = np.full(CODES, UNKNOWN, np.uint8)

    def fill(self, codes: NDArray[np.integer]) -> None:
        """Compute the entries of all blocks that contain one of the given colours (n,)."""
        wanted = np.zeros_like(self._filled)
        wanted[codes >> 3 & 0x1F, codes >> 11 & 0x1F, codes >> 19] = True
        corners = np.stack(np.nonzero(wanted & ~self._filled)) * _WIDTH
        self._filled |= wanted
        for begin in range(0, corners.shape[1], _TEST_BLOCKS):
            self._fill_blocks(corners[:, begin : begin + _TEST_BLOCKS])

    def labels(self, codes: NDArray[np.integer]) -> Entries:
        """Return the labels (n,) of colours whose entries are unknown, without filling their blocks."""
        parts = [decode(codes[block]) for block in blocks(len(codes), len(self._theta))]
        return np.concatenate([most_probable(self._theta @ expand(part)) for part in parts])

    def _fill_blocks(self, corners: Indices) -> None:
        """Compute the entries of blocks, given by their smallest colours (3, m)."""
        component = self._uniform_components(corners)
        uniform = component >= 0
        self._write(corners[:, uniform], (component[uniform].astype(np.uint64) * _REPEAT_EIGHT)[:, None, None])
        corners = corners[:, ~uniform]
        length = max(_COMPUTE_BLOCKS // len(self._theta), 1)
        for begin in range(0, corners.shape[1], length):
            part = corners[:, begin : begin + length]
            self._write(part, self._labels(part).view(np.uint64)[..., 0])

    def _uniform_components(self, corners: Indices) -> Indices:
        """Return the label (m,) that all colours of each block (3, m) have, or -1 where the bound does not show one.

        In a block with centre c and half width h, component k exceeds j by at least
        D(c) - h sum_i |D_i(c)| - h^2 sum_i<=j |D_ij|, where D = q_k - q_j is the difference of the log joint densities.
        """
        theta, half = self._theta, (_WIDTH - 1) / 2 / SCALE
        about = taylor(theta, (corners + (_WIDTH - 1) / 2 - CENTRE) / SCALE)
        value, gradient = about[:, 0], about[:, 1:4]
        second = theta[:, 4:]  # second-order terms of i <= j, which include the factors 1/2 and 2
        best = value.argmax(axis=0)
        each = np.arange(len(best))
        lead = np.full(len(best), np.inf)
        for j in range(len(theta)):
            slope = np.abs(gradient[best, :, each].T - gradient[j]).sum(axis=0)
            bend = np.abs(second - second[j]).sum(axis=1)[best]
            least = value[best, each] - value[j] - half * slope - half**2 * bend
            lead = np.where(best == j, lead, np.minimum(lead, least))
        return np.where(lead > _MIN_LEAD, best, -1)

    def _labels(self, corners: Indices) -> Entries:
        """Return the labels (m, 8, 8, 8) of the colours of blocks (3, m), by blue, green and red.

        Expanded about the blocks' corners, all log joint densities are one product with the monomials of the offsets.
        """
        about = taylor(self._theta, (corners - CENTRE) / SCALE)
        offsets = monomials(np.indices((_WIDTH,) * 3)[::-1].reshape(3, -1) / SCALE)  # red changes fastest
        K, F, m = about.shape
        log_joint = (about.transpose(0, 2, 1).reshape(K * m, F) @ offsets).reshape(K, -1)
        return most_probable(log_joint).reshape(m, _WIDTH, _WIDTH, _WIDTH)

    def _write(self, corners: Indices, words: NDArray[np.uint64]) -> None:
        """Set the entries of blocks (3, m) to words (m, 8, 8), each of which holds the labels of eight reds."""
        blocks = self.entries.view(np.uint64).reshape(
            _BLOCKS_PER_SIDE, _WIDTH, _BLOCKS_PER_SIDE, _WIDTH, _BLOCKS_PER_SIDE
        )
        red, green, blue = corners // _WIDTH
        blocks[blue, :, green, :, red] = words


class ValueTable:
    """A table of the labels of colours under a mixture over converted colours, computed colour by colour.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    transform : callable
        From `colour_spaces`.
    """

    def __init__(self, theta: Float, transform: Transform) -> None:
        self._theta, self._transform = theta, transform
        self.entries: Entries = np.full(CODES, UNKNOWN, np.uint8)

    def fill(self, codes: NDArray[np.integer]) -> None:
        """Compute the entries of the given colours (n,) that are unknown."""
        missing = codes[self.entries[codes] == UNKNOWN]
        for block in blocks(len(missing), 1, self._theta.shape[1]):
            values = self._transform(decode(missing[block]).T).T
            self.entries[missing[block]] = most_probable_at(self._theta, values)

    def labels(self, codes: NDArray[np.integer]) -> Entries:
        """Compute the entries of the given colours (n,), and return their labels."""
        self.fill(codes)
        labels: Entries = self.entries[codes]
        return labels
