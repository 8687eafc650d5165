"""What is known of each component's pixels, as sums: of merged components the sums simply add."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.labels.labelling import LabelMap
from segmentation.engine.gmm.mixture.densities import exact_parameters, most_probable, most_probable_stable, posterior
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, blocks, expand, symmetric, triangle
from segmentation.engine.gmm.pixels.sample import Sample

Sums = tuple[float, float, float]
Products = tuple[float, float, float, float, float, float]
Box = tuple[int, int, int, int]
"""Top, left, bottom and right of some pixels, the last two past the end."""

_ROWS, _MOST_ROWS = 32, 256
"""That are searched at a time, at first and in the end: most components are met at once, others take fewer steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Additive measurements of one component, or of several together.

    Hard figures are of the pixels whose most probable component it is. Areas are exact; sums are, too, where all pixels
    were fitted, and else those of the sample, brought to the exact area.
    """

    pixels: int  # hard area
    soft_pixels: float  # sum of posterior probabilities
    border_pixels: int  # of the hard area, on the picture's outermost rows and columns
    sum: Sums  # of red, green and blue, hard
    products: Products  # of rr, rg, rb, gg, gb, bb, hard
    box: Box | None = None  # around the hard area; None without a pixel, and in results of releases that did not look

    def __add__(self, other: Self) -> Self:
        return type(self)(
            pixels=self.pixels + other.pixels,
            soft_pixels=self.soft_pixels + other.soft_pixels,
            border_pixels=self.border_pixels + other.border_pixels,
            sum=_add(self.sum, other.sum),
            products=_add(self.products, other.products),
            box=_union_box(self.box, other.box),
        )

    @property
    def mean(self) -> tuple[float, float, float]:
        """Mean red, green and blue, 0 to 255; black where there is no pixel."""
        red, green, blue = (value / max(self.pixels, 1) for value in self.sum)
        return red, green, blue

    @property
    def covariance(self) -> Float:
        """Covariance (3, 3) of red, green and blue; zeros where there is no pixel."""
        pixels, mean = max(self.pixels, 1), np.array(self.mean)
        covariance: Float = symmetric(np.array([self.products]) / pixels, 3)[0] - np.outer(mean, mean)
        return covariance

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
            box=cast("Box", tuple(map(int, mapping["box"]))) if mapping.get("box") else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SampleStatistics:
    """What a mixture makes of a sample."""

    hard: Float  # (K, 10) phi(colour) of `monomials.expand` summed over each component's own pixels
    soft: Float  # (K,) posterior probabilities summed over all pixels of the sample
    log_likelihood: float  # mean nats per pixel
    deviation: float  # standard deviation of the log density over the pixels


def sample_statistics(mixture: Mixture, sample: Sample) -> SampleStatistics:
    """Label the values of a sample and sum up over its pixels; hard sums are free of rounding."""
    is_exact = sample.values.dtype == np.uint8
    theta = exact_parameters(mixture.theta()) if is_exact else mixture.theta()
    precision = np.float32 if is_exact else np.float64  # as in the fit
    hard, soft, total, squares = np.zeros((len(theta), 10)), np.zeros(len(theta)), 0.0, 0.0
    for block in blocks(len(sample.counts), *theta.shape):
        phi, counts = expand(sample.values[block]), sample.counts[block].astype(np.float64)
        seen = phi if sample.colours is sample.values else expand(sample.colours[block])
        log_joint = theta @ phi
        labels = most_probable(log_joint) if is_exact else most_probable_stable(theta, phi, log_joint)
        members = (labels == np.arange(len(theta))[:, None]) * counts
        responsibilities, log_density = posterior(log_joint, counts, precision)
        soft += responsibilities.sum(axis=1)
        hard += members @ seen.T
        total += float((counts * log_density).sum())
        squares += float((counts * log_density**2).sum())
    mean = total / sample.pixels
    return SampleStatistics(hard, soft, mean, max(squares / sample.pixels - mean**2, 0.0) ** 0.5)


def hard_sums(label_map: LabelMap, colours_of: Callable[[slice], NDArray[np.uint8]]) -> Float:
    """Sums (K, 10) of phi(colour) over each component's pixels of a label map, where place decides labels, too."""
    K = len(label_map.areas)
    hard = np.zeros((K, 10))
    for block in blocks(len(label_map.labels), K):
        members = np.equal(label_map.labels[block], np.arange(K)[:, None]).astype(np.float64)
        hard += members @ expand(colours_of(block)).T
    return hard


def component_statistics(
    of_sample: SampleStatistics,
    label_map: LabelMap,
    border: NDArray[np.integer],
    boxes: Sequence[Box | None],
    colours_of_component: Callable[[int], NDArray[np.uint8]],
) -> tuple[Component, ...]:
    """FeatureStack of all pixels: areas as they were counted, sums from the sample, brought to these areas.

    When the sample is all pixels, all figures but the soft sums are free of rounding.

    Parameters
    ----------
    of_sample : SampleStatistics
        Of the sample.
    label_map : LabelMap
        All pixels.
    border : ndarray, shape (K,)
        Pixels on the border.
    around : sequence of box or None, K of them
        As of `bounding_boxes`.
    missed : callable
        The colours (n, 3) of all pixels of a component, asked for when the sample has none of it.
    """
    growth = int(label_map.areas.sum()) / float(of_sample.soft.sum())
    measured = []
    for number, (hard, area) in enumerate(zip(of_sample.hard, label_map.areas, strict=True)):
        if area and not hard[0]:
            hard = expand(colours_of_component(number)).sum(axis=1)  # noqa: PLW2901 - the rare component's own
        scaled = hard * (area / hard[0]) if area else np.zeros(10)
        soft = float(of_sample.soft[number]) * growth
        measured.append(_component(scaled, soft, int(border[number]), boxes[number]))
    return tuple(measured)


def _component(hard: Float, soft: float, border: int, box: Box | None) -> Component:
    pixels, sums = hard[0], hard[1:4]
    rows, columns = triangle(3)
    products = SCALE**2 * hard[4:] + SCALE * CENTRE * (sums[rows] + sums[columns]) + CENTRE**2 * pixels
    return Component(
        pixels=round(pixels),
        soft_pixels=soft,
        border_pixels=border,
        sum=tuple((SCALE * sums + CENTRE * pixels).tolist()),
        products=tuple(products.tolist()),
        box=box,
    )


def count_border_pixels(labels: NDArray[np.uint8], n_components: int) -> NDArray[np.intp]:
    """Count each component's pixels (K,) on the outermost rows and columns of a label map (H, W), each pixel once."""
    inner = labels[1:-1]
    ring = [labels[:1], labels[1:][-1:], inner[:, :1], inner[:, 1:][:, -1:]]
    return np.bincount(np.concatenate([part.ravel() for part in ring]), minlength=256)[:n_components]


def bounding_boxes(labels: NDArray[np.uint8], n_components: int) -> tuple[Box | None, ...]:
    """The smallest box around each component's pixels in a label map (H, W)."""
    return tuple(_box(labels, number) for number in range(n_components))


def _box(labels: NDArray[np.uint8], number: int) -> Box | None:
    """Looked for from each side inwards: in a photograph most components reach nearly to the border."""
    height, width = labels.shape
    top = _rows_before(labels, number)
    if top == height:
        return None
    bottom = height - _rows_before(labels[::-1], number)
    across = labels[top:bottom].T
    return top, _rows_before(across, number), bottom, width - _rows_before(across[::-1], number)


def _rows_before(labels: NDArray[np.uint8], number: int) -> int:
    """How many rows of a label map (H, W) come before the first in which a component lies."""
    begin, length = 0, _ROWS
    while begin < len(labels):
        met = labels[begin : begin + length] == number
        if met.any():
            return begin + int(met.any(axis=1).argmax())
        begin, length = begin + length, min(2 * length, _MOST_ROWS)
    return len(labels)


def _union_box(one: Box | None, other: Box | None) -> Box | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _add(one: tuple[float, ...], other: tuple[float, ...]) -> Any:
    return tuple(a + b for a, b in zip(one, other, strict=True))
