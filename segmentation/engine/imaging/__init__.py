"""Bytes to arrays and back: admission, decoding, renditions, the label PNG, palettes. Knows nothing of mixtures.

Read in this order: `admission` (what is taken, from the header alone; of HEIC also from `heif_boxes`), `decoding` (bytes to what is shown and what is fitted;
`planes`, `profiles` and `orientation` are its steps), `inspection` (all of it at upload), `masks` (which pixels are left out),
`renditions`, `index_png`, `palettes`.
"""

from segmentation.engine.imaging import index_png, masks, palettes
from segmentation.engine.imaging.admission import Header, Limits
from segmentation.engine.imaging.decoding import Picture, decode
from segmentation.engine.imaging.inspection import Inspection, inspect
from segmentation.engine.imaging.masks import MaskMaster
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.renditions import Rendition, thumbnail

__all__ = [
    "Header",
    "Inspection",
    "Limits",
    "MaskMaster",
    "Notice",
    "Picture",
    "Rendition",
    "decode",
    "index_png",
    "inspect",
    "masks",
    "palettes",
    "thumbnail",
]
