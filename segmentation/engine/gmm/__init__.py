"""Gaussian mixtures of pixel colours: arrays in, arrays out. Knows nothing of files.

Read in this order: `monomials` and `densities` (what a Gaussian sees of a value), `families` and `mixture` (the model),
`colours` and `sampling` (what is fitted of a picture), `em`, `squarem`, `merging`, `starts` and `fitting` (the fit),
`table`, `labelling` and `measure` (the result), `pictures` and `segmentation` (all of it).
"""

from segmentation.engine.gmm.measure import Component
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.segmentation import Segmentation, segment
from segmentation.engine.recipe import Recipe

__all__ = ["Component", "Mixture", "Recipe", "Segmentation", "segment"]
