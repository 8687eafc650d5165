"""Picture files to arrays and back: admission, decoding, masks, renditions, label PNGs and palettes.

Reading order: `admission` (whether a file may be decoded; `structure` and `heif_boxes` check its parts), `decoding` (a file to
pixels for display and values to be fitted) with its steps `pillow_reader`, `png_reader`, `tiff_reader` (with `tiff_layout`),
`imagecodecs_reader`, `dicom_reader`, `decoded_bands`, `display_and_data`, `profiles` and `orientation`, `calibration` (the size and
the place of pixels: `pixel_size`, `tiff_pixel_size`, `georeference`, `geotiff`, `crs`; `areas` computes with them),
`description` (all that is kept of a file besides its pixels), `inspection` (an uploaded picture), `masks`, `renditions`,
`index_png`, `palettes`. The package knows nothing of mixtures.
"""

from segmentation.engine.imaging import index_png, masks, palettes
from segmentation.engine.imaging.admission import Header, Limits
from segmentation.engine.imaging.decoding import Picture, decode
from segmentation.engine.imaging.description import FileDescription
from segmentation.engine.imaging.inspection import Inspection, inspect
from segmentation.engine.imaging.layout import Layout, NoData
from segmentation.engine.imaging.masks import MaskMaster
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.renditions import Rendition, thumbnail

__all__ = [
    "FileDescription",
    "Header",
    "Inspection",
    "Layout",
    "Limits",
    "MaskMaster",
    "NoData",
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
