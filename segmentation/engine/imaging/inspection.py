"""Inspection of an uploaded picture: it is decoded completely, and its properties and renditions are kept."""

from dataclasses import dataclass
from typing import Any

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging.admission import Header, Limits, OnHeader, ignore_header
from segmentation.engine.imaging.decoding import decode
from segmentation.engine.imaging.georeference import Georeference
from segmentation.engine.imaging.layout import Layout, NoData
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.imaging.renditions import Rendition, display, thumbnail
from segmentation.engine.recipe import Reading

THUMBNAIL_SIZE = 480  # pixels of the longest side


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Properties and renditions of an uploaded picture."""

    header: Header
    fitted_bands: int  # values a pixel in `Picture.data`: without alpha, and with a palette applied
    width: int  # of the upright picture
    height: int
    notices: tuple[Notice, ...]
    metadata: dict[str, Any]
    layout: Layout
    no_data: NoData | None
    display: Rendition
    thumbnail: Rendition
    pixel_size: PixelSize | None = None
    pixel_size_suggested: PixelSize | None = None
    georeference: Georeference | None = None


def inspect(
    data: bytes,
    *,
    name: str,
    limits: Limits,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    on_header: OnHeader = ignore_header,
) -> Inspection:
    """Decode a picture file and make its renditions.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Name of the file; a known extension must belong to its format.
    limits, reading, on_header
        As for `decode`.

    Raises
    ------
    Refusal
        With the codes of `decode`; also `empty` when no pixel is valid.
    """
    picture = decode(data, name=name, limits=limits, reading=reading, on_header=on_header)
    if picture.valid is not None and not picture.valid.any():
        raise Refusal(
            "empty",
            gettext_noop(
                "None of its pixels has data: all are transparent, masked, without a number, or of the value that stands for no data."
            ),
        )
    height, width = picture.pixels.shape[:2]
    return Inspection(
        header=picture.header,
        fitted_bands=picture.data.shape[2],
        width=width,
        height=height,
        notices=picture.notices,
        metadata=picture.metadata,
        layout=picture.layout,
        no_data=picture.no_data,
        display=display(picture.pixels),
        thumbnail=thumbnail(picture.pixels, size=THUMBNAIL_SIZE),
        pixel_size=picture.pixel_size,
        pixel_size_suggested=picture.pixel_size_suggested,
        georeference=picture.georeference,
    )
