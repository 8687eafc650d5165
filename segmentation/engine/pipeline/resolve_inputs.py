"""Resolve the inputs of a run: parse the mixture that the fit starts from, and read the mask of what is left out."""

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
from segmentation.engine.gmm.picture_fit import other_values
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.engine.sandbox import Allowance

Mask = NDArray[np.bool_]
_ASYMMETRY = 1e-6  # of a covariance matrix, relative; written numbers may have lost their last digits


def starting_mixture(inputs: Inputs) -> Mixture | None:
    """Return the mixture that the fit starts from, or None.

    Raises
    ------
    SegmentationError
        With `invalid_request`, when one of its covariances is not symmetric or not positive definite.
    """
    if inputs.mixture is None:
        return None
    mixture = Mixture.from_mapping(inputs.mixture.to_mapping())
    turned = mixture.covariances.transpose(0, 2, 1)
    if not mixture.is_definite or not np.allclose(mixture.covariances, turned, rtol=_ASYMMETRY, atol=0):
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "The covariances of the starting mixture must be symmetric and positive definite: take those of a finished run."
            ),
        )
    return mixture


def require_suited(inputs: Inputs, recipe: Recipe, *, n_bands: int) -> None:
    """Require that a starting mixture has as many values as the recipe measures, and units of as many bands as there are.

    Raises
    ------
    SegmentationError
        With `invalid_request`.
    """
    if inputs.mixture is None:
        return
    given, wanted = len(inputs.mixture.means[0]), len(value_names(recipe, n_bands))
    if given != wanted:
        raise other_values(given=given, wanted=wanted)
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
    """Return the units of the starting mixture, in values of its picture; None when they are not known."""
    scale = None if inputs.mixture is None else inputs.mixture.units
    return None if scale is None else Units(scale.offset, scale.scale, (1.0,) * len(scale.scale))


def read_left_out(
    inputs: Inputs, masters: Mapping[str, bytes], *, shape: tuple[int, int], limits: Limits, allowance: Allowance
) -> Mask | None:
    """Return the pixels (H, W) that the mask leaves out, or None when there is no mask.

    Parameters
    ----------
    inputs : Inputs
    masters : mapping of str to bytes
        Files by their SHA-256.
    shape : tuple of int
        Height and width of the picture, upright.
    limits : Limits
    allowance : Allowance
        What the decoder may take.

    Raises
    ------
    SegmentationError
        As of `decoder.read_mask`; `corrupt`: the file is not the one that the inputs name; `invalid_request`: the mask has not the picture's size.
    """
    if inputs.mask is None:
        return None
    master = masters[inputs.mask]
    if hashlib.sha256(master).hexdigest() != inputs.mask:
        raise SegmentationError(
            "corrupt", gettext_noop("The stored mask has changed since it was uploaded: start a new run with the mask.")
        )
    limits = replace(limits, bytes=len(master))  # it was admitted when it was uploaded
    mask = decoder.read_mask(master, name="mask.png", limits=limits, allowance=allowance)
    require_size(mask.shape[::-1], shape[::-1])
    return mask


def require_size(mask: tuple[int, int], picture: tuple[int, int]) -> None:
    """Require that a mask has the width and height of the picture, upright.

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
    """Return which pixels (H, W) count: those with data that are not left out; None when all do.

    Raises
    ------
    SegmentationError
        With `empty`, when the mask leaves none.
    """
    if mask is None:
        return valid
    counts: Mask = ~mask if valid is None else valid & ~mask
    if not counts.any():
        raise SegmentationError(
            "empty",
            gettext_noop(
                "The mask leaves out every pixel that is visible. Black pixels of a mask are kept: invert it."
            ),
        )
    return counts
