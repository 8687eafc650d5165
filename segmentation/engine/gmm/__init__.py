"""Gaussian mixtures of pixel colours: arrays in, arrays out. Knows nothing of files.

Read in this order: `features` (what is measured of a colour), `mixture` and `densities` (the model), `colours` (which
colours a picture holds), `sampling`, `em`, `merging`, `starts` and `squarem` (the fit), `labelling` and `measure` (the
result), `segmentation` (all of it).
"""

from segmentation.engine.gmm.measure import Component
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.segmentation import Segmentation, segment
from segmentation.engine.recipe import Recipe

__all__ = ["Component", "Mixture", "Recipe", "Segmentation", "segment"]
