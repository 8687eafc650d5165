"""The features of a pixel for *Regions*: colour at two scales and roughness, in units of CIE L*a*b*.

They are not standardised, because one unit is about a just noticeable difference in every picture.
"""

import numpy as np

from segmentation.engine.gmm.labels.blur import gaussian_blur
from segmentation.engine.gmm.mixture.monomials import Float32

FINE, COARSE = 1.0, 3.0  # pixels
DETAIL = 2.0  # pixels; finer structures are texture
DIMENSION = 7
NAMES = (*(f"{name} of {scale:g} pixels" for scale in (FINE, COARSE) for name in ("L*", "a*", "b*")), "roughness")


def region_features(colours: Float32) -> Float32:
    """Return the features of all pixels: colour at a fine and at a coarse scale, and the roughness of lightness.

    Parameters
    ----------
    colours : ndarray, shape (3, H, W), float32
        From `colour_spaces.lab`.

    Returns
    -------
    ndarray, shape (7, H, W), float32
        G1 * Lab, G3 * Lab, and sqrt(G3 * (L - G2 * L)^2), with G_s a Gaussian of s pixels.
    """
    detail = colours[:1] - gaussian_blur(colours[:1], DETAIL)
    coarse = gaussian_blur(np.concatenate([colours, detail**2]), COARSE)
    return np.concatenate([gaussian_blur(colours, FINE), coarse[:3], np.sqrt(coarse[3:])])
