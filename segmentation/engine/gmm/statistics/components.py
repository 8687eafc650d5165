"""Statistics of the pixels of each component, as sums, so that those of merged components are added."""

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
"""A bounding box: top, left, bottom and right; bottom and right are exclusive."""

_FIRST_ROWS, _MAX_ROWS = 32, 256
"""Rows that are searched in the first step, and in one step at most. Steps grow, because most components are found in the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Additive statistics of the pixels of one component, or of several merged components.

    A component's pixels are those with its label. Areas are exact. Sums are exact if all pixels were fitted; otherwise they are
    those of the sample, scaled to the exact area.
    """

    pixels: int  # area
    soft_pixels: float  # sum of the posterior probabilities of all pixels
    border_pixels: int  # pixels on the outermost rows and columns of the picture
    sum: Sums  # of red, green and blue
    products: Products  # sums of rr, rg, rb, gg, gb, bb
    box: Box | None = None  # bounding box; None without a pixel, and in results of early releases

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
        """Mean red, green and blue, 0 to 255; zeros if there is no pixel."""
        red, green, blue = (value / max(self.pixels, 1) for value in self.sum)
        return red, green, blue

    @property
    def covariance(self) -> Float:
        """Covariance (3, 3) of red, green and blue; zeros if there is no pixel."""
        pixels, mean = max(self.pixels, 1), np.array(self.mean)
        covariance: Float = symmetric(np.array([self.products]) / pixels, 3)[0] - np.outer(mean, mean)
        return covariance

    @property
    def colour(self) -> str:
        """The mean colour as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*(round(value) for value in self.mean))

    def to_mapping(self) -> dict[str, Any]:
        """Return a JSON object; every number keeps all its bits."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written."""
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
    """Statistics of a sample under a mixture."""

    hard: Float  # (K, 10) sums of phi(colour), the result of `monomials.expand`, over the pixels of each component
    soft: Float  # (K,) sums of the posterior probabilities over all pixels of the sample
    log_likelihood: float  # mean nats per pixel
    deviation: float  # standard deviation of the log density over the pixels


def sample_statistics(mixture: Mixture, sample: Sample) -> SampleStatistics:
    """Return the statistics of a sample under a mixture. For 8-bit values the sums over labelled pixels are exact."""
    is_exact = sample.values.dtype == np.uint8
    theta = exact_parameters(mixture.theta()) if is_exact else mixture.theta()
    precision = np.float32 if is_exact else np.float64  # as in the fit
    hard, soft, total, squares = np.zeros((len(theta), 10)), np.zeros(len(theta)), 0.0, 0.0
    for block in blocks(len(sample.counts), *theta.shape):
        phi, counts = expand(sample.values[block]), sample.counts[block].astype(np.float64)
        colours = phi if sample.colours is sample.values else expand(sample.colours[block])
        log_joint = theta @ phi
        labels = most_probable(log_joint) if is_exact else most_probable_stable(theta, phi, log_joint)
        members = (labels == np.arange(len(theta))[:, None]) * counts
        responsibilities, log_density = posterior(log_joint, counts, precision)
        soft += responsibilities.sum(axis=1)
        hard += members @ colours.T
        total += float((counts * log_density).sum())
        squares += float((counts * log_density**2).sum())
    mean = total / sample.pixels
    return SampleStatistics(hard, soft, mean, max(squares / sample.pixels - mean**2, 0.0) ** 0.5)


def hard_sums(label_map: LabelMap, colours_of: Callable[[slice], NDArray[np.uint8]]) -> Float:
    """Return the sums (K, 10) of phi(colour) over each component's pixels in a label map.

    They are needed when labels depend on positions, too, so that the labels of a sample do not follow from its values.
    """
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
    """Return the statistics of all components: exact areas, and sums of the sample scaled to these areas.

    If the sample is all pixels, all statistics but the soft sums are exact.

    Parameters
    ----------
    of_sample : SampleStatistics
    label_map : LabelMap
        The labels of all pixels.
    border : ndarray, shape (K,)
        Result of `count_border_pixels`.
    boxes : sequence of K boxes or None
        Result of `bounding_boxes`.
    colours_of_component : callable
        Returns the colours (n, 3) of all pixels of a component; called for components that are not in the sample.
    """
    growth = int(label_map.areas.sum()) / float(of_sample.soft.sum())
    components = []
    for number, (hard, area) in enumerate(zip(of_sample.hard, label_map.areas, strict=True)):
        if area and not hard[0]:
            hard = expand(colours_of_component(number)).sum(axis=1)  # noqa: PLW2901 - replaces the empty sums
        scaled = hard * (area / hard[0]) if area else np.zeros(10)
        soft = float(of_sample.soft[number]) * growth
        components.append(_component(scaled, soft, int(border[number]), boxes[number]))
    return tuple(components)


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
    """Return the bounding box of each component's pixels in a label map (H, W); None without a pixel."""
    return tuple(_box(labels, number) for number in range(n_components))


def _box(labels: NDArray[np.uint8], number: int) -> Box | None:
    """Return the bounding box of a component, searched from each side inwards.

    In photographs most components extend nearly to the borders, so few rows need to be read.
    """
    height, width = labels.shape
    top = _rows_before(labels, number)
    if top == height:
        return None
    bottom = height - _rows_before(labels[::-1], number)
    across = labels[top:bottom].T
    return top, _rows_before(across, number), bottom, width - _rows_before(across[::-1], number)


def _rows_before(labels: NDArray[np.uint8], number: int) -> int:
    """Return the number of rows of a label map (H, W) before the first row that contains a component."""
    begin, length = 0, _FIRST_ROWS
    while begin < len(labels):
        matches = labels[begin : begin + length] == number
        if matches.any():
            return begin + int(matches.any(axis=1).argmax())
        begin, length = begin + length, min(2 * length, _MAX_ROWS)
    return len(labels)


def _union_box(one: Box | None, other: Box | None) -> Box | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _add(one: tuple[float, ...], other: tuple[float, ...]) -> Any:
    return tuple(a + b for a, b in zip(one, other, strict=True))
