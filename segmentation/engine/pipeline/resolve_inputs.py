"""Resolve the inputs of a run: the mixture that the fit starts from, and the pixels that a mask leaves out."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import decoder
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.features.extraction import value_names
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.picture_fit import wrong_feature_count
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.engine.sandbox import Allowance

Mask = NDArray[np.bool_]
_ASYMMETRY = 1e-6  # relative, allowed in a covariance matrix: numbers in JSON may be rounded


def starting_mixture(inputs: Inputs) -> Mixture | None:
    """Return the mixture that the fit starts from; None when the inputs have none.

    Raises
    ------
    SegmentationError
        With `invalid_request` when a covariance is not symmetric or not positive definite.
    """
    if inputs.mixture is None:
        return None
    mixture = Mixture.from_mapping(inputs.mixture.to_mapping())
    transposed = mixture.covariances.transpose(0, 2, 1)
    if not mixture.is_definite or not np.allclose(mixture.covariances, transposed, rtol=_ASYMMETRY, atol=0):
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "The covariances of the starting mixture must be symmetric and positive definite: take those of a finished run."
            ),
        )
    return mixture


def require_matching_mixture(inputs: Inputs, recipe: Recipe, *, n_bands: int) -> None:
    """Raise unless the features and units of the starting mixture match the recipe and the bands of the picture.

    Raises
    ------
    SegmentationError
        With `invalid_request`.
    """
    if inputs.mixture is None:
        return
    given, wanted = len(inputs.mixture.means[0]), len(value_names(recipe, n_bands))
    if given != wanted:
        raise wrong_feature_count(given=given, wanted=wanted)
    units = inputs.mixture.units
    if units is not None and len(units.scale) != n_bands:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("The units of the starting mixture are of %(given)s bands, the picture has %(wanted)s."),
            given=len(units.scale),
            wanted=n_bands,
            field="mixture",
        )


def starting_units(inputs: Inputs) -> Units | None:
    """Return the units of the starting mixture; None when they are not known."""
    scale = None if inputs.mixture is None else inputs.mixture.units
    return None if scale is None else Units(scale.offset, scale.scale, (1.0,) * len(scale.scale))


def read_input_mask(
    inputs: Inputs, masters: Mapping[str, bytes], *, shape: tuple[int, int], limits: Limits, allowance: Allowance
) -> Mask | None:
    """Return where the mask of the inputs leaves pixels out, (H, W); None when there is no mask.

    Parameters
    ----------
    inputs : Inputs
    masters : mapping of str to bytes
        The files that the inputs refer to, by their SHA-256.
    shape : tuple of int
        Height and width of the picture, upright.
    limits : Limits
    allowance : Allowance
        Memory and seconds that decoding may take.

    Raises
    ------
    SegmentationError
        With the codes of `decoder.read_mask`; also `corrupt` when the file has another hash, and `invalid_request` when the mask
        and the picture differ in size.
    """
    if inputs.mask is None:
        return None
    master = masters[inputs.mask]
    if hashlib.sha256(master).hexdigest() != inputs.mask:
        raise SegmentationError(
            "corrupt", gettext_noop("The stored mask has changed since it was uploaded: start a new run with the mask.")
        )
    limits = replace(limits, bytes=len(master))  # it has passed the limit when it was uploaded
    mask = decoder.read_mask(master, name="mask.png", limits=limits, allowance=allowance)
    require_same_size(mask.shape[::-1], shape[::-1])
    return mask


def require_same_size(mask: tuple[int, int], picture: tuple[int, int]) -> None:
    """Raise unless a mask has the size of the picture, both as (width, height) of the upright picture.

    Raises
    ------
    SegmentationError
        With `invalid_request`.
    """
    if mask != picture:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("The mask has %(given)s pixels, the picture %(wanted)s: make a mask of the same size."),
            given="{} × {}".format(*mask),
            wanted="{} × {}".format(*picture),
        )


def valid_pixels(valid: Mask | None, mask: Mask | None) -> Mask | None:
    """Return which pixels (H, W) have data and are not left out; None when all are valid.

    Raises
    ------
    SegmentationError
        With `empty` when the mask leaves out all of them.
    """
    if mask is None:
        return valid
    result: Mask = ~mask if valid is None else valid & ~mask
    if not result.any():
        raise SegmentationError(
            "empty",
            gettext_noop(
                "The mask leaves out every pixel that is visible. Black pixels of a mask are kept: invert it."
            ),
        )
    return result
