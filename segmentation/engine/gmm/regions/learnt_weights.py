"""What a border between two regions costs: eleven weights learnt from 200 photographs with human segmentations.

The photographs are the training split of the Berkeley Segmentation Data Set (BSDS500; Arbelaez, Maire, Fowlkes and Malik, 2011,
"Contour detection and hierarchical image segmentation"). Its licence is for non-commercial research and education only, and no
part of it is in this project: these numbers are all that was taken from it. ``make learn-regions DATA=path`` prints them anew,
and learns others from other photographs. They have to be learnt again when a term or what it is computed from changes.
"""

WEIGHTS = (5.272, 2.983, 2.051, 0.493, -0.365, -0.677, 0.513, 0.261, -1.117, 0.341, 0.389)
"""Weights of the terms of `border_terms.TERMS`, in their order. The weighted sum is the log-odds that people draw the border."""

STOP_COST = 0.45
"""Log-odds above which two regions stay separate when no number of regions is given: where the same photographs agree best."""
