"""Gaussian mixtures of pixel values: arrays in, arrays out, without files.

Read the packages in this order; each imports only from those before it:

1. `mixture`: weights, means and covariances, the covariance families, densities.
2. `features`: the feature values of each pixel (units, colour spaces, texture, position).
3. `pixels`: the data of a fit (samples, distinct colours, feature sources).
4. `fit`: expectation-maximisation (EM), its quasi-Newton acceleration, initialisation, merging of components.
5. `mixed_pixels`: a mixture whose pixels on borders are shared between two components, and areas by coverage.
6. `selection`: the number of clusters (pixels away from edges, criteria, choice).
7. `labels`: from a mixture to a label map (tables, hidden Markov random field, small regions).
8. `statistics`: sums and bounding boxes of components, sums of bands, connected regions, uncertainty, novelty.
9. `regions`: the preset *Regions*, a tree of connected regions.
10. `result`, `picture_fit`, `colours_preset`, `regions_preset`, `segmentation`: the presets, built from the packages above.
"""

from segmentation.engine.gmm.colours_preset import apply
from segmentation.engine.gmm.mixed_pixels.coverage import Coverage, CoveredArea
from segmentation.engine.gmm.mixed_pixels.hints import Hint
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.result import Segmentation
from segmentation.engine.gmm.segmentation import segment
from segmentation.engine.gmm.statistics.components import Component
from segmentation.engine.recipe import Recipe

__all__ = ["Component", "Coverage", "CoveredArea", "Hint", "Mixture", "Recipe", "Segmentation", "apply", "segment"]
