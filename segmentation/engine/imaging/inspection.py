"""All that is found out about a file at upload, by decoding it completely."""

from dataclasses import dataclass
from typing import Any

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging.admission import Header, Limits, OnHeader, ignore_header
from segmentation.engine.imaging.decoding import decode
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.renditions import Rendition, display, thumbnail

THUMBNAIL = 480  # pixels of the longest side


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is kept of an upload beside its bytes."""

    header: Header
    fitted_bands: int  # values a pixel that are fitted: without alpha, and of a palette the colours that it stands for
    width: int  # upright
    height: int
    notices: tuple[Notice, ...]
    metadata: dict[str, Any]
    display: Rendition
    thumbnail: Rendition


def inspect(data: bytes, *, name: str, limits: Limits, on_header: OnHeader = ignore_header) -> Inspection:
    """Decode a file and make its renditions.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, as people know it.
    limits, on_header
        As of `decode`.

    Raises
    ------
    Refusal
        As of `decode`; and `empty` for a picture of which no pixel is visible.
    """
    picture = decode(data, name=name, limits=limits, on_header=on_header)
    if picture.valid is not None and not picture.valid.any():
        raise Refusal("empty", gettext_noop("None of its pixels is visible: all are transparent or hold no number."))
    height, width = picture.pixels.shape[:2]
    return Inspection(
        header=picture.header,
        fitted_bands=picture.data.shape[2],
        width=width,
        height=height,
        notices=picture.notices,
        metadata=picture.metadata,
        display=display(picture.pixels),
        thumbnail=thumbnail(picture.pixels, size=THUMBNAIL),
    )
