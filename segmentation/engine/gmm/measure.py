"""What is known of each component's pixels, as sums: of merged components the sums simply add."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features import CENTRE, SCALE, Float

Sums = tuple[float, float, float]
Products = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Additive measurements of one component, or of several together.

    Hard figures are of the pixels whose most probable component it is, and exact. All are over all valid pixels.
    """

    pixels: int  # hard area
    soft_pixels: float  # sum of posterior probabilities
    border_pixels: int  # of the hard area, on the picture's outermost rows and columns
    sum: Sums  # of red, green and blue, hard
    products: Products  # of rr, rg, rb, gg, gb, bb, hard

    def __add__(self, other: Self) -> Self:
        return type(self)(
            pixels=self.pixels + other.pixels,
            soft_pixels=self.soft_pixels + other.soft_pixels,
            border_pixels=self.border_pixels + other.border_pixels,
            sum=_added(self.sum, other.sum),
            products=_added(self.products, other.products),
        )

    @property
    def mean(self) -> tuple[float, float, float]:
        """Mean red, green and blue, 0 to 255; black where there is no pixel."""
        red, green, blue = (value / max(self.pixels, 1) for value in self.sum)
        return red, green, blue

    @property
    def colour(self) -> str:
        """The mean colour as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*(round(value) for value in self.mean))

    def to_mapping(self) -> dict[str, Any]:
        """A JSON object; every number keeps all its bits."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """The inverse of `to_mapping`."""
        return cls(
            pixels=int(mapping["pixels"]),
            soft_pixels=float(mapping["soft_pixels"]),
            border_pixels=int(mapping["border_pixels"]),
            sum=cast("Sums", tuple(map(float, mapping["sum"]))),
            products=cast("Products", tuple(map(float, mapping["products"]))),
        )


def components(hard: Float, soft: Float, border: NDArray[np.integer]) -> tuple[Component, ...]:
    """Measurements in units of the pixels from sums of standardised features.

    Parameters
    ----------
    hard : ndarray, shape (K, 10)
        phi(x) of `features.expand`, summed over each component's own pixels. For whole numbers from 0 to 255 all that
        follows is free of rounding.
    soft : ndarray, shape (K,)
        Sums of posterior probabilities.
    border : ndarray, shape (K,)
        Pixels on the border.
    """
    return tuple(_component(*row) for row in zip(hard, soft, border, strict=True))


def _component(hard: Float, soft: np.float64, border: np.integer) -> Component:
    pixels, sums = hard[0], hard[1:4]
    rows, columns = np.triu_indices(3)
    products = SCALE**2 * hard[4:] + SCALE * CENTRE * (sums[rows] + sums[columns]) + CENTRE**2 * pixels
    return Component(
        pixels=int(pixels),
        soft_pixels=float(soft),
        border_pixels=int(border),
        sum=tuple((SCALE * sums + CENTRE * pixels).tolist()),
        products=tuple(products.tolist()),
    )


def on_border(labels: NDArray[np.uint8], n_components: int) -> NDArray[np.intp]:
    """Count each component's pixels (K,) on the outermost rows and columns of a label map (H, W), each pixel once."""
    inner = labels[1:-1]
    ring = [labels[:1], labels[1:][-1:], inner[:, :1], inner[:, 1:][:, -1:]]
    return np.bincount(np.concatenate([part.ravel() for part in ring]), minlength=256)[:n_components]


def _added(one: tuple[float, ...], other: tuple[float, ...]) -> Any:
    return tuple(a + b for a, b in zip(one, other, strict=True))
