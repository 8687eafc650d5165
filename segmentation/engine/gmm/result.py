"""The result of a segmentation, the same for both presets."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.fit.parameters import unpack
from segmentation.engine.gmm.mixed_pixels.coverage import Coverage
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.selection.cluster_count import ClusterCountChoice
from segmentation.engine.gmm.statistics.components import Component

if TYPE_CHECKING:
    from segmentation.engine.gmm.regions import RegionSegmentation  # with scikit-image, which Colours does without


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """The result of `segment`: labels, mixture, statistics and the history of the fit."""

    labels: NDArray[np.uint8]  # (H, W): component of each pixel, 255 where there is no data
    mixture: Mixture  # components in ascending luminance of the mean; their index is the label
    log_likelihood: float  # mean over the fitted pixels, in nats
    log_likelihood_error: float  # standard error as an estimate of the mean over all valid pixels; 0 if all were fitted
    history: Float  # best mean log-likelihood on the sample after each evaluation of the fit; never falls
    # (iterations, K, P) the mixture with that log-likelihood: P numbers for each component, as `parameters.pack` returns them.
    path: Float
    iterations: int  # evaluations of EM on the sample, the length of `history`
    converged: bool
    components: tuple[Component, ...]  # statistics over all valid pixels, in the order of the labels
    distinct_colours: int  # distinct values among the pixels that were fitted
    fitted_pixels: int
    valid_pixels: int
    units: Units  # convert values of the picture to the units of the mixture
    names: tuple[str, ...]  # (D,) names of the features that the mixture is fitted to
    choice: ClusterCountChoice | None  # criteria of each number of clusters; None when the engine did not choose it
    candidate_maps: NDArray[np.uint8] | None  # (n, h, w) small label maps of 1 to n clusters, with `choice`
    seconds: dict[str, float]  # time of each stage, by the value of `progress.Stage`
    mixed_pixels: MixedPixelMixture | None = None  # the model with mixed pixels, of the covariance `mixed`
    coverage: Coverage | None = None  # areas by coverage, of the covariance `mixed`
    # Log-likelihood with mixed pixels minus that without them whose components have covariances of their own, in nats per
    # pixel; None when it was not computed.
    gain: float | None = None
    hierarchy: "RegionSegmentation | None" = None  # the tree of regions; None for the preset Colours

    def mixture_after(self, iteration: int) -> Mixture:
        """Return the best mixture after evaluation `iteration` of the fit, counted from 0."""
        K = self.mixture.n_components
        return unpack(self.path[iteration].ravel(), K, self.mixture.covariance_type)
