import io
import itertools
import struct

import numpy as np
import PIL.Image
import pytest

from segmentation.engine.artefacts import Source
from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Cluster, Legend
from tests.engine.pipeline.conftest import outcome, pixels, run, translucent  # noqa: F401 - fixtures


class MapAndLegend(Source):
    """The parts of a result from which pictures of its label map are made."""

    revision = 0

    def __init__(self, components_png, legend):
        self.components_png, self.legend = components_png, legend

    def values_and_colours(self):
        raise NotImplementedError


@pytest.fixture
def legend():
    """Five plain clusters; 1 and 4 are foreground."""
    colours = ("#000000", "#ff0000", "#00ff80", "#8040c0", "#ffffff")
    return Legend(tuple(Cluster(f"Cluster {k + 1}", colour, k in {1, 4}, (k,)) for k, colour in enumerate(colours)))


@pytest.fixture
def labels():
    """A component map with every component, pixels without data and unassigned ones."""
    labels = np.random.default_rng(0).integers(0, 5, (37, 53)).astype(np.uint8)
    labels[:4, :7] = 255
    labels[30:, 50:] = 254
    return labels


@pytest.fixture
def components_png(labels):
    return index_png.encode(labels)


@pytest.fixture
def made(components_png):
    """Return a function that makes an artefact of the map with a legend: `made(Labels(), legend)`."""
    return lambda artefact, legend, **more: artefact.make(MapAndLegend(components_png, legend), **more)


@pytest.fixture
def read():
    """Return a function that reads a file with Pillow, and returns array and mode."""

    def read(data):
        with PIL.Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture), picture.mode

    return read


@pytest.fixture
def chunks():
    """Return a function that returns the chunks of a PNG file by type; those of one type are joined."""

    def chunks(data):
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        found, place = [], 8
        while place < len(data):
            (length,) = struct.unpack(">I", data[place : place + 4])
            found.append((data[place + 4 : place + 8].decode(), data[place + 8 : place + 8 + length]))
            place += length + 12
        return {name: b"".join(body for _, body in group) for name, group in itertools.groupby(found, lambda c: c[0])}

    return chunks
