"""Gaussian mixtures of pixel colours: arrays in, arrays out. Knows nothing of files.

Read in this order: `monomials` and `densities` (what a Gaussian sees of a value), `families` and `mixture` (the model),
`units`, `colour_spaces`, `tiles`, `texture` and `features` (what is measured of a pixel), `colours`, `sampling` and `pictures`
(what is fitted of a picture), `em`, `points`, `climbing`, `merging`, `starts` and `fitting` (the fit), `edges`, `criteria` and
`choice` (how many clusters), `table`, `labelling`, `blur`, `mean_field`, `smoothing`, `cleaning`, `measure`, `connected` and
`maps` (the result), `clock`, `solving` and `segmentation` (all of it: *Colours*). `regions` holds the other preset, and `presets` chooses.
"""

from segmentation.engine.gmm.colours_preset import Segmentation
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.segmentation import segment
from segmentation.engine.gmm.statistics.components import Component
from segmentation.engine.recipe import Recipe

__all__ = ["Component", "Mixture", "Recipe", "Segmentation", "segment"]
