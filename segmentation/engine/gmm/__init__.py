"""Gaussian mixtures of pixel colours: arrays in, arrays out. Knows nothing of files.

Read in this order: `monomials` and `densities` (what a Gaussian sees of a value), `families` and `mixture` (the model),
`colours`, `colour_spaces`, `features` and `sampling` (what is measured of a picture), `em`, `squarem`, `merging`, `starts`
and `fitting` (the fit), `table` and `labelling` (the labels), `smoothing` and `cleaning` (labels that know their place),
`measure`, `criteria` and `maps` (what a result tells), `edges` and `choice` (how many clusters), `pictures` and
`segmentation` (all of it). The package `regions` is a method of its own.
"""

from segmentation.engine.gmm.measure import Component
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.segmentation import Segmentation, segment
from segmentation.engine.recipe import Recipe

__all__ = ["Component", "Mixture", "Recipe", "Segmentation", "segment"]
