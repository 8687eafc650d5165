"""Masks: pictures that say which pixels of another one are left out.

What is not black is left out, so that masks of 0 and 1, of 0 and 255, in a palette or with numbered objects all mean what they
look like. Where a mask is transparent, nothing was label_map, and the pixel is kept.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import orientation
from segmentation.engine.imaging.admission import Header, Limits, OnHeader, admit, guarded, ignore_header

_LOSSLESS = {"PNG", "TIFF", "BMP", "GIF"}  # the others shift black a little
_VALUES = {"1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N", "RGB"}
_WITH_ALPHA = {"LA", "RGBA"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskMaster:
    """What is kept of a mask."""

    data: bytes  # of `encode`
    width: int  # upright
    height: int
    left_out: int  # pixels

    @property
    def sha256(self) -> str:
        """SHA-256 of `data`."""
        return hashlib.sha256(self.data).hexdigest()


def master(data: bytes, *, name: str, limits: Limits, on_header: OnHeader = ignore_header) -> MaskMaster:
    """Read a mask and write it anew, as it is kept; parameters as of `read`.

    Raises
    ------
    Refusal
        As of `read`; and `empty` for a mask that keeps no pixel.
    """
    mask = read(data, name=name, limits=limits, on_header=on_header)
    if mask.all():
        raise Refusal("empty", gettext_noop("It leaves out every pixel. Black pixels of a mask are kept: invert it."))
    return MaskMaster(
        data=encode(mask),
        width=mask.shape[1],
        height=mask.shape[0],
        left_out=int(np.count_nonzero(mask)),
    )


def read(data: bytes, *, name: str, limits: Limits, on_header: OnHeader = ignore_header) -> NDArray[np.bool_]:
    """Which pixels a mask leaves out.

    Parameters
    ----------
    data : bytes
        A PNG, TIFF, BMP or GIF of any depth and any bands.
    name : str
        Its name; an extension, if there is one, must be of the format.
    limits, on_header
        As of `decode`.

    Returns
    -------
    ndarray, shape (H, W), bool
        Upright.

    Raises
    ------
    Refusal
        As of `admit`; `unsupported_format` for what may have changed black, `corrupt` for what is damaged.
    MemoryError
        When it does not fit.
    """
    header = admit(data, name=name, limits=limits)
    if header.format not in _LOSSLESS:
        raise Refusal(
            "unsupported_format",
            gettext_noop("A mask must be a PNG, TIFF, BMP or GIF: %(format)s changes black a little. Save it as PNG."),
            format=header.format,
        )
    if header.dtype == "uint16" and header.bands > 1:
        raise _unsupported()  # Pillow cuts them to 8 bits, and what is nearly black to black
    on_header(header)
    return guarded(lambda: _read(data, header))


def encode(mask: NDArray[np.bool_]) -> bytes:
    """A mask (H, W) as the PNG that is kept: 8-bit grey, 255 where pixels are left out, else 0."""
    file = BytesIO()
    PIL.Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(file, "PNG", compress_level=6)
    return file.getvalue()


def _read(data: bytes, header: Header) -> NDArray[np.bool_]:
    try:
        file = PIL.Image.open(BytesIO(data), formats=[header.format])
    except PIL.UnidentifiedImageError:
        raise _unsupported() from None
    with file:
        # Pillow turns a TIFF by itself.
        turned = orientation.UPRIGHT if header.format == "TIFF" else orientation.stored(file)
        file.load()
        marked = _marked(file)
    return np.ascontiguousarray(orientation.applied(marked, turned), dtype=np.bool_)


def _marked(image: PIL.Image.Image) -> NDArray[np.bool_]:
    """Where a picture is neither black nor transparent."""
    if image.mode in {"P", "PA"} or (image.mode in {"1", "L", "RGB"} and "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode not in _VALUES | _WITH_ALPHA:
        raise _unsupported()
    values = np.asarray(image).reshape(image.height, image.width, -1)
    colour = values[..., :-1] if image.mode in _WITH_ALPHA else values
    marked: NDArray[np.bool_] = (colour != 0).any(axis=2)
    return marked & (values[..., -1] != 0) if image.mode in _WITH_ALPHA else marked


def _unsupported() -> Refusal:
    return Refusal("unsupported_format", gettext_noop("Its values cannot be used as a mask: save it as an 8-bit PNG."))
