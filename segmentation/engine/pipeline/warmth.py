import importlib

import PIL.Image

_SELDOM_NEEDED = (
    "segmentation.engine.gmm.regions_preset",  # with scikit-image: regions, smoothing, cleaning
    "skimage.measure",
)


def warm() -> None:
    """Import now what is otherwise imported when it is first needed; computes nothing.

    For a process that forks a child for each run: every one of them would import it again, which takes up to a second.
    """
    PIL.Image.init()  # all its formats
    for name in _SELDOM_NEEDED:
        importlib.import_module(name)
