"""Coherent regions that agree with people's, without training: the preset *Regions*. Arrays in, arrays out.

Read in this order: `region_features` (what is measured at a pixel), `families`, `starts` and `mixtures` (several mixtures of
it), `energy` (where their law changes), `watershed_leaves` and `graph` (a thousand small regions and their borders), `merging` and
`tree` (in which order they merge), `refinement` (the borders at full size), `segmentation` (all of it). `resampling` is a tool.
"""

from segmentation.engine.gmm.regions.segmentation import RegionSegmentation, segment_regions
from segmentation.engine.gmm.regions.tree import Tree

__all__ = ["RegionSegmentation", "Tree", "segment_regions"]
