"""Smooth labels by a hidden Markov random field, fitted by EM (HMRF-EM; Zhang, Brady and Smith, 2001).

The E-step uses mean-field posteriors (`mean_field`; Celeux, Forbes and Peyrard, 2003), in which neighbouring pixels support
each other; the M-step is that of a Gaussian mixture. EM is initialised on a blurred picture, in which overlapping clusters are
separated better. The time is linear in the number of pixels.
"""

import numpy as np

from segmentation.engine.gmm.features.tiles import tiles
from segmentation.engine.gmm.fit.em import Data, maximise
from segmentation.engine.gmm.fit.quasi_newton import fraction_done, quasi_newton_em
from segmentation.engine.gmm.fit.starts import best_start
from segmentation.engine.gmm.labels.blur import gaussian_blur
from segmentation.engine.gmm.labels.labelling import LabelMap
from segmentation.engine.gmm.labels.mean_field import REACH, mean_field
from segmentation.engine.gmm.mixture.densities import posterior as posterior_of
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Float32, blocks, expand
from segmentation.engine.gmm.pixels.sample import NO_DATA, Mask
from segmentation.engine.gmm.pixels.sampling import sample_indices
from segmentation.engine.gmm.pixels.sources import FeatureSource, Values
from segmentation.engine.progress import OnFraction, ignore_progress, subrange
from segmentation.engine.recipe import Recipe

Parts = list[tuple[Values, Mask]]
"""Features (h, w, D) of rectangles of a picture, and which pixels are valid (h, w)."""

STRENGTH = 12.0
"""beta of `mean_field` at smoothness 1, in nats. On phantoms, values from 9 to 16 are nearly equally good."""

BLUR = 1.5
"""Standard deviation, in pixels, of the blur of the initialisation."""

SWEEPS = 5
"""Mean-field sweeps for the labels."""

ROUNDS, ROUND_SWEEPS = 6, 3
"""Iterations of EM, and mean-field sweeps in each E-step."""

_POSTERIORS = 2**19  # posteriors that are computed at a time; they stay in the cache
_START_PIXELS = 2**13  # pixels of the blurred picture that EM is initialised on
_START_TOLERANCE = 1e-3  # mean nats per step


def blurred_start(
    parts: Parts,
    recipe: Recipe,
    n_components: int,
    floor: Float,
    on_fraction: OnFraction = ignore_progress,
) -> Mixture:
    """Return an initial mixture for `hidden_markov_em`.

    Clusters are found on the blurred features of parts of a picture. The components of the result are the Gaussians of the
    unblurred features in each cluster.
    """
    rng = np.random.default_rng([recipe.seed, 4])
    raw = np.concatenate([values[valid] for values, valid in parts]).astype(np.float64)
    blurred_values = np.concatenate([_blurred_values(values, valid) for values, valid in parts])
    start_data = Data.of(
        blurred_values[sample_indices(len(blurred_values), _START_PIXELS, rng)],
        np.ones(min(len(blurred_values), _START_PIXELS)),
        single_precision=True,
    )
    family = recipe.covariance.of_labels
    start = best_start(
        start_data,
        n_components,
        rng,
        n_starts=recipe.restarts,
        floor=floor,
        covariance_type=family,
        on_fraction=subrange(on_fraction, 0, 0.8),
    )
    theta = quasi_newton_em(
        start_data,
        start,
        tolerance=_START_TOLERANCE,
        floor=floor,
        on_evaluation=lambda evaluations, _: on_fraction(0.8 + 0.2 * fraction_done(evaluations)),
    ).mixture.theta()
    sums = np.zeros_like(theta)
    for block in blocks(len(raw), *theta.shape):
        sums += posterior_of(theta @ expand(blurred_values[block]))[0] @ expand(raw[block]).T
    return maximise(sums, floor, family)


def _blurred_values(values: Values, valid: Mask) -> Float:
    """Return the blurred features (n, D) of the valid pixels (h, w); pixels that are not valid have no weight."""
    planes = np.concatenate([np.where(valid, values.transpose(2, 0, 1), 0), valid[None]]).astype(np.float32)
    sums = gaussian_blur(planes, BLUR)[:, valid].astype(np.float64)
    blurred_values: Float = (sums[:-1] / sums[-1]).T
    return blurred_values


def hidden_markov_em(
    mixture: Mixture,
    parts: Parts,
    smoothness: float,
    floor: Float,
    on_fraction: OnFraction = ignore_progress,
) -> Mixture:
    """Fit a hidden Markov random field to parts of a picture by EM, and return its mixture.

    Parameters
    ----------
    mixture : Mixture
        Where EM begins.
    parts : list of (ndarray, shape (h, w, D), and ndarray, shape (h, w), bool)
        Features of rectangles of the picture, and their valid pixels.
    smoothness : float
        0 to 1, multiplied by `STRENGTH`.
    floor : ndarray, shape (D,)
        As in `em.maximise`.
    on_fraction : callable
        Called after every E-step of a part with the fraction of the work that is done, up to 1.
    """
    for number in range(ROUNDS):
        K, D = mixture.means.shape
        sums = np.zeros((K, 1 + D + D * (D + 1) // 2))
        for index, (values, valid) in enumerate(parts):
            posterior = mean_field(_log_joint(mixture, values, valid), STRENGTH * smoothness, ROUND_SWEEPS)
            rows, weights = values[valid], posterior[:, valid].astype(np.float64)
            for block in blocks(len(rows), *sums.shape):
                sums += weights[:, block] @ expand(rows[block]).T
            on_fraction((number + (index + 1) / len(parts)) / ROUNDS)
        mixture = maximise(sums, floor, mixture.covariance_type)
    return mixture


def label_smoothed(
    picture: FeatureSource, mixture: Mixture, smoothness: float, on_fraction: OnFraction = ignore_progress
) -> LabelMap:
    """Label each pixel with the component whose mean-field posterior is largest; on a tie the first.

    The picture is processed in tiles, each with a margin as wide as the sweeps reach.
    """
    labels = np.empty(picture.shape, np.uint8)
    n_done, pixels = 0, max(_POSTERIORS // mixture.n_components, 1)
    for tile in tiles(*picture.shape, pixels=pixels, margin=SWEEPS * REACH):
        values, valid = picture.part(*tile.padded)
        posterior = mean_field(_log_joint(mixture, values, valid), STRENGTH * smoothness, SWEEPS)
        best = posterior[:, *tile.core_in_padded].argmax(axis=0)
        labels[tile.core] = np.where(valid[tile.core_in_padded], best, NO_DATA)
        n_done += best.size
        on_fraction(n_done / labels.size)
    return LabelMap.of(labels, mixture.n_components)


def _log_joint(mixture: Mixture, values: Values, valid: Mask) -> Float32:
    """Return log joint densities (K, h, w) minus the maximum of each pixel; 0 for all components where there is no data."""
    theta = mixture.theta()
    rows = values.reshape(-1, values.shape[2])
    log_joint = np.empty((len(theta), len(rows)), np.float32)
    for block in blocks(len(rows), *theta.shape):
        exact = theta @ expand(rows[block])
        log_joint[:, block] = exact - exact.max(axis=0)
    log_joint[:, ~valid.reshape(-1)] = 0
    return log_joint.reshape(len(theta), *valid.shape)
