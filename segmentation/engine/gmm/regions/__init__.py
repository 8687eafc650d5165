"""The preset *Regions*: hierarchical segmentation into connected regions. Arrays in, arrays out.

Read the modules in this order: `features` (features of a pixel), `blockwise`, `pca_part` and `mixtures` (several Gaussian
mixtures of the features), `energy` (boundary energy, from the change of their posteriors), `watershed`, `region_sums` and
`graph` (about a thousand small regions and their borders), `border_terms` and `learnt_weights` (the log-odds that people draw a
border), `merging` and `tree` (the hierarchy of mergers), `refinement` (borders at full resolution), `segmentation` (the whole
algorithm). `resampling` reduces pictures and enlarges label maps.
"""

from segmentation.engine.gmm.regions.segmentation import RegionSegmentation, segment_regions
from segmentation.engine.gmm.regions.tree import Tree

__all__ = ["RegionSegmentation", "Tree", "segment_regions"]
