"""Initial over-segmentation: the watershed of the boundary energy."""

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from segmentation.engine.gmm.mixture.monomials import Float32

LEVELS = 255


def watershed_leaves(energy: Float32) -> NDArray[np.int32]:
    """Return the watershed (Vincent and Soille, 1991) of the maximum of the boundary energy over all normals.

    Parameters
    ----------
    energy : ndarray, shape (8, H, W), float32, 0 to 1

    Returns
    -------
    ndarray, shape (H, W), int32
        Labels 0, 1, .. of regions that are connected by 4 neighbours and cover all pixels.
    """
    relief = np.rint(LEVELS * energy.max(axis=0)).astype(np.uint8)
    if relief.min() == relief.max():
        return np.zeros(relief.shape, np.int32)
    labels: NDArray[np.int32] = watershed(relief, connectivity=1).astype(np.int32, copy=False)  # type: ignore[no-untyped-call]  # scikit-image has no types
    labels -= 1
    return labels
