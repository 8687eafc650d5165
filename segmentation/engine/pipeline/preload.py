"""Imports that a parent process makes before it forks children."""

import importlib

import PIL.Image

_IMPORTED_LATE = (
    "segmentation.engine.gmm.regions_preset",  # with scikit-image: regions, smoothing, small regions
    "skimage.measure",
)


def preload() -> None:
    """Import the modules that a run imports only when it needs them.

    A process that forks a child for each run calls it once; otherwise each child imports them again, which takes up to a second.
    """
    PIL.Image.init()  # the plugins of all formats
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
