"""The legend of a result: clusters of components with a name, a colour and a foreground flag.

A `Legend` is immutable; methods that change it return a new one. No pixel is read: a legend maps component numbers to clusters,
and the statistics of a cluster are sums over its components.
"""

import functools
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm import Component, Coverage, CoveredArea
from segmentation.engine.gmm.statistics.components import Box
from segmentation.engine.imaging import palettes

SCHEMA = 1
MAX_NAME = 100
MAX_CLUSTERS = 254  # label values 0 to 253
UNASSIGNED, NO_DATA = 254, 255
"""The two label values that are not clusters."""

DEFAULT_NAME = gettext_noop("Cluster %(number)s")
"""The name that a cluster has until a person gives it another; numbers begin at 1. It is stored in English."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_DEFAULT_NAME = re.compile(r"Cluster ([1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One or more components that are shown as one cluster.

    Raises
    ------
    SegmentationError
        With `invalid_request` for an invalid name, colour or component number.
    """

    name: str  # 1 to 100 characters, not only white space
    colour: str  # "#rrggbb", lower case
    foreground: bool
    components: tuple[int, ...]  # at least one, each 0 to 253, ascending

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME:
            raise _invalid(gettext_noop("A cluster's name must have 1 to %(most)s characters."), most=MAX_NAME)
        if not _COLOUR.fullmatch(self.colour):
            raise _invalid(gettext_noop("A colour must look like #1a2b3c, not “%(colour)s”."), colour=self.colour[:20])
        if not self.components or not all(0 <= number < MAX_CLUSTERS for number in self.components):
            raise _invalid(gettext_noop("A cluster needs at least one component, numbered from 0."))
        object.__setattr__(self, "components", tuple(sorted(self.components)))

    @property
    def default_number(self) -> int | None:
        """The number in a default name, which the application translates with `DEFAULT_NAME`; None for any other name."""
        return _default_number(self.name)

    def to_mapping(self) -> dict[str, Any]:
        """Return the cluster as a JSON object; `from_mapping` is its inverse."""
        return {
            "name": self.name,
            "colour": self.colour,
            "foreground": self.foreground,
            "components": list(self.components),
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object; raises SegmentationError with `invalid_request`."""
        name, colour, foreground, components = (
            mapping.get(key) for key in ("name", "colour", "foreground", "components")
        )
        if not (isinstance(name, str) and isinstance(colour, str) and isinstance(foreground, bool)):
            raise _invalid(gettext_noop("A cluster needs a name, a colour and a foreground flag."))
        if not isinstance(components, list) or not all(type(number) is int for number in components):
            raise _invalid(gettext_noop("A cluster's components must be a list of whole numbers."))
        return cls(name, colour.lower(), foreground, tuple(components))


@dataclass(frozen=True, slots=True)
class Legend:
    """The clusters of a result, in the order in which they are shown. Every component belongs to exactly one cluster.

    Raises
    ------
    SegmentationError
        With `invalid_request` when a component is missing or occurs twice.
    """

    clusters: tuple[Cluster, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "clusters", tuple(self.clusters))
        held = sorted(number for cluster in self.clusters for number in cluster.components)
        if not held or held != list(range(len(held))):
            raise _invalid(gettext_noop("Every component must belong to exactly one cluster."))

    @property
    def colours(self) -> tuple[str, ...]:
        """The clusters' colours, in order."""
        return tuple(cluster.colour for cluster in self.clusters)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The components of each cluster, in order."""
        return tuple(cluster.components for cluster in self.clusters)

    @property
    def is_merged(self) -> bool:
        """Whether any cluster has several components."""
        return any(len(group) > 1 for group in self.groups)

    @property
    def is_plain(self) -> bool:
        """Whether each cluster k is component k, that is, no clusters have been merged or reordered."""
        return all(cluster.components == (index,) for index, cluster in enumerate(self.clusters))

    def with_foreground(self, index: int, foreground: bool) -> Self:  # noqa: FBT001 - reads as "with foreground 2, True"
        """Return the legend with one cluster's foreground flag set."""
        return self._with(index, replace(self._at(index), foreground=foreground))

    def with_name(self, index: int, name: str) -> Self:
        """Return the legend with one cluster renamed; white space around the name is removed."""
        return self._with(index, replace(self._at(index), name=name.strip()))

    def with_colour(self, index: int, colour: str) -> Self:
        """Return the legend with one cluster's colour changed."""
        return self._with(index, replace(self._at(index), colour=colour.lower()))

    def merged(self, index: int, other: int) -> Self:
        """Return the legend with cluster `other` merged into cluster `index`, which keeps its name, colour and flag.

        The indices of the clusters after `other` decrease by one.
        """
        kept, taken = self._at(index), self._at(other)
        if index == other:
            raise _invalid(gettext_noop("A cluster cannot be merged with itself."))
        legend = list(self.clusters)
        legend[index] = replace(kept, components=kept.components + taken.components)
        del legend[other]
        return replace(self, clusters=tuple(legend))

    def reordered(self, order: Sequence[int]) -> Self:
        """Return the legend in a new order: cluster i of the result is cluster ``order[i]`` of this legend."""
        if sorted(order) != list(range(len(self.clusters))):
            raise _invalid(gettext_noop("An order must contain every cluster exactly once."))
        return replace(self, clusters=tuple(self.clusters[index] for index in order))

    def cluster_of_component(self) -> NDArray[np.uint8]:
        """Return the cluster index of every label value, shape (256,), uint8.

        255 (no data) stays 255. Values that are not components become 254 (unassigned).
        """
        lookup = np.full(256, UNASSIGNED, dtype=np.uint8)
        lookup[NO_DATA] = NO_DATA
        for index, cluster in enumerate(self.clusters):
            lookup[list(cluster.components)] = index
        return lookup

    def to_mapping(self) -> dict[str, Any]:
        """Return the legend as a JSON object with its schema number; `from_mapping` is its inverse."""
        return {"schema": SCHEMA, "clusters": [cluster.to_mapping() for cluster in self.clusters]}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object; raises SegmentationError with `invalid_request`."""
        if mapping.get("schema", SCHEMA) != SCHEMA:
            raise _invalid(gettext_noop("This legend was written by another release."))
        clusters = mapping.get("clusters")
        if not isinstance(clusters, list) or not all(isinstance(cluster, Mapping) for cluster in clusters):
            raise _invalid(gettext_noop("A legend is a list of clusters."))
        return cls(tuple(Cluster.from_mapping(cluster) for cluster in clusters))

    def _at(self, index: int) -> Cluster:
        if not 0 <= index < len(self.clusters):
            raise _invalid(gettext_noop("There is no cluster %(number)s in this result."), number=index + 1)
        return self.clusters[index]

    def _with(self, index: int, cluster: Cluster) -> Self:
        return replace(self, clusters=(*self.clusters[:index], cluster, *self.clusters[index + 1 :]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatistics:
    """A cluster of a legend with the statistics of its pixels.

    Every table, answer and file shows these figures.
    """

    index: int  # in its legend, from 0; the value of its pixels in labels.png
    name: str
    colour: str  # as shown, "#rrggbb"
    separated_colour: str  # of the palette of colours that are easy to tell apart, "#rrggbb"
    foreground: bool
    components: tuple[int, ...]  # ascending
    pixels: int
    soft_pixels: float  # sum of the posterior probabilities of the cluster over all pixels
    share: float  # of `pixels` in those of all clusters, 0 to 1
    soft_share: float  # of `soft_pixels` in the pixels of all clusters
    coverage: CoveredArea | None  # its area by coverage; None unless the fit has mixed pixels
    mean: tuple[float, float, float]  # red, green, blue, 0 to 255
    mean_colour: str  # the mean as "#rrggbb"
    covariance: tuple[tuple[float, ...], ...]  # (3, 3) of red, green and blue
    box: Box | None  # bounding box; None without a pixel, and in results of earlier releases

    @property
    def number(self) -> int:
        """The number that is displayed, from 1."""
        return self.index + 1

    @property
    def default_number(self) -> int | None:
        """The number in a default name, which the application translates with `DEFAULT_NAME`; None for any other name."""
        return _default_number(self.name)

    @property
    def box_size(self) -> tuple[int, int] | None:
        """Width and height of the bounding box in pixels."""
        return None if self.box is None else (self.box[3] - self.box[1], self.box[2] - self.box[0])


def initial_legend(components: Sequence[Component]) -> Legend:
    """Return the legend of a new result: one cluster for each component, with its mean colour and the default foreground."""
    foreground = default_foreground(components)
    return Legend(
        tuple(
            Cluster(DEFAULT_NAME % {"number": index + 1}, component.colour, index in foreground, (index,))
            for index, component in enumerate(components)
        )
    )


def default_foreground(components: Sequence[Component]) -> frozenset[int]:
    """Return the indices of the components that are foreground by default.

    These are the components whose share of the picture's border (outermost rows and columns) is smaller than their share of
    the inside. If these are none or all, it is the component with the fewest border pixels, on a tie the first; a component
    without pixels is chosen only if there is no other. A single component is foreground.
    """
    border = sum(component.border_pixels for component in components)
    inside = sum(component.pixels for component in components) - border
    chosen = frozenset(
        index
        for index, component in enumerate(components)
        # border_pixels / border < (pixels - border_pixels) / inside, in integers and without division by zero
        if component.border_pixels * inside < (component.pixels - component.border_pixels) * border
    )
    if 0 < len(chosen) < len(components):
        return chosen
    return frozenset(
        [min(range(len(components)), key=lambda k: (components[k].pixels == 0, components[k].border_pixels, k))]
    )


def cluster_statistics(
    legend: Legend, components: Sequence[Component], coverage: Coverage | None = None
) -> list[ClusterStatistics]:
    """Return the statistics of each cluster, in the order of the legend, from the sums of its components."""
    total = sum(component.pixels for component in components)
    separated = palettes.separated(len(legend.clusters))
    covered = coverage.clusters(legend.groups) if coverage else (None,) * len(legend.clusters)
    return [
        _statistics(
            index,
            cluster,
            separated[index],
            _sum(components[k] for k in cluster.components),
            total=total,
            covered=covered[index],
        )
        for index, cluster in enumerate(legend.clusters)
    ]


def foreground_share(clusters: Iterable[ClusterStatistics]) -> float:
    """Return the share of the foreground in the pixels of all clusters, 0 to 1."""
    found = list(clusters)
    pixels = sum(cluster.pixels for cluster in found if cluster.foreground)
    return pixels / max(sum(cluster.pixels for cluster in found), 1)


def _default_number(name: str) -> int | None:
    match = _DEFAULT_NAME.fullmatch(name)
    return None if match is None else int(match[1])


def _sum(components: Iterable[Component]) -> Component:
    return functools.reduce(operator.add, components)


def _statistics(
    index: int, cluster: Cluster, separated_colour: str, merged: Component, *, total: int, covered: CoveredArea | None
) -> ClusterStatistics:
    return ClusterStatistics(
        index=index,
        name=cluster.name,
        colour=cluster.colour,
        separated_colour=separated_colour,
        foreground=cluster.foreground,
        components=cluster.components,
        pixels=merged.pixels,
        soft_pixels=merged.soft_pixels,
        share=merged.pixels / max(total, 1),
        soft_share=merged.soft_pixels / max(total, 1),
        coverage=covered,
        mean=merged.mean,
        mean_colour=merged.colour,
        covariance=tuple(map(tuple, merged.covariance.tolist())),
        box=merged.box,
    )


def _invalid(template: str, **values: str | float) -> SegmentationError:
    return SegmentationError("invalid_request", template, **values)
