"""The values of mixed pixels between two pure ones, in each colour space.

Light adds: a pixel whose share a has the bands v_i and whose rest has v_j shows a v_i + (1 - a) v_j. In the bands themselves
this is a straight line. In other colour spaces the line is bent: it is mixed in bands, then converted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segmentation.engine.gmm.features.colour_spaces import INVERSES, TRANSFORMS
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.recipe import Features, Recipe

Line = Callable[[Float, Float, Float], tuple[Float, Float]]
"""Returns the values of mixed pixels, shape (P, M, D), and their change from share 0 to share 1 at the slope there, shape
(P, M, D), from the values of pure pixels i and j, shape (P, D) each, and the shares of i, shape (M,)."""


def straight(first: Float, second: Float, shares: Float) -> tuple[Float, Float]:
    """Return values and slopes on straight lines, for features in which light adds; see `Line`."""
    gap = first - second
    values = second[:, None] + shares[:, None] * gap[:, None]
    return values, np.broadcast_to(gap[:, None], values.shape)


@dataclass(frozen=True, slots=True)
class Bent:
    """Lines in a colour space into which bands are converted; see `Line`."""

    features: Features
    half_step: float = 1 / 256  # of the share, for the slope

    def __call__(self, first: Float, second: Float, shares: Float) -> tuple[Float, Float]:
        one, other = (INVERSES[self.features](values.T.astype(np.float64)) for values in (first, second))
        ends = np.concatenate([shares, shares - self.half_step, shares + self.half_step])
        bands = other[:, :, None] + ends * (one - other)[:, :, None]  # (B, P, 3 M)
        values = TRANSFORMS[self.features](bands).astype(np.float64)
        at, before, after = np.split(values.transpose(1, 2, 0), 3, axis=1)
        return at, (after - before) / (2 * self.half_step)


def line_of(recipe: Recipe) -> Line | None:
    """Return how pixels mix in the features of a recipe; None with texture or position, where mixed pixels follow no line."""
    if recipe.texture or recipe.position:
        return None
    return Bent(recipe.features) if recipe.features in INVERSES else straight
