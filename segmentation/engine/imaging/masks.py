"""Mask files, which mark the pixels of a picture that are left out of its segmentation.

Every pixel of a mask that is neither black nor transparent is left out: masks with values 0 and 1, with 0 and 255, with a
palette or with numbered objects can be used alike. Three conventions are followed where black means marked: a TIFF in which
the smallest value is white holds True or numbered objects as its values are stored (NumPy arrays of bool, and ImageJ's
inverting table), an inverting grey palette likewise, and black paint on a transparent layer is what was painted.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import orientation
from segmentation.engine.imaging.admission import Header, Limits, OnHeader, admit, ignore_header, refuse_damaged

_LOSSLESS = {"PNG", "TIFF", "BMP", "GIF"}  # other formats can change black a little
_PLAIN_MODES = {"1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N", "RGB"}
_WITH_ALPHA = {"LA", "RGBA"}
_USUAL_SHARE = 0.5  # of the pixels, at most
_PHOTOMETRIC_TAG, _MIN_IS_WHITE = 262, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskMaster:
    """A mask in the form in which it is stored with a run."""

    data: bytes  # PNG, as `encode` writes it
    width: int  # of the upright mask
    height: int
    left_out: int  # number of pixels that are left out

    @property
    def sha256(self) -> str:
        """SHA-256 of `data`, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def share(self) -> float:
        """The share of the pixels that are left out, 0 to 1."""
        return self.left_out / (self.width * self.height)

    @property
    def is_unusual(self) -> bool:
        """Whether it leaves out nothing, or more than half, as one does that marks what to keep."""
        return self.left_out == 0 or self.share > _USUAL_SHARE


def master(data: bytes, *, name: str, limits: Limits, on_header: OnHeader = ignore_header) -> MaskMaster:
    """Return a mask file re-encoded for storage; parameters as for `read`.

    Raises
    ------
    Refusal
        With the codes of `read`; also `empty` for a mask that leaves out every pixel.
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


def read(
    data: bytes,
    *,
    name: str,  # noqa: ARG001 - has the parameters of `decode`
    limits: Limits,
    on_header: OnHeader = ignore_header,
) -> NDArray[np.bool_]:
    """Return which pixels a mask file leaves out.

    Parameters
    ----------
    data : bytes
        A PNG, TIFF, BMP or GIF file; not of 16 bits a value with several bands.
    name : str
        Name of the file; a known extension must belong to its format.
    limits, on_header
        As for `decode`.

    Returns
    -------
    ndarray, shape (H, W), bool
        True where a pixel is left out; upright.

    Raises
    ------
    Refusal
        With the codes of `admit`; also `unsupported_format` for lossy formats and modes that Pillow would reduce to 8 bits.
    MemoryError
        When the mask needs more memory than there is.
    """
    header = admit(data, limits=limits)
    if header.format not in _LOSSLESS:
        raise Refusal(
            "unsupported_format",
            gettext_noop("A mask must be a PNG, TIFF, BMP or GIF: %(format)s changes black a little. Save it as PNG."),
            format=header.format,
        )
    if header.dtype == "uint16" and header.bands > 1:
        raise _unsupported()  # Pillow reduces them to 8 bits, where nearly black becomes black
    on_header(header)
    return refuse_damaged(lambda: _read(data, header))


def encode(mask: NDArray[np.bool_]) -> bytes:
    """Return a mask (H, W) as a PNG file of 8-bit grey: 255 where a pixel is left out, else 0."""
    file = BytesIO()
    PIL.Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(file, "PNG", compress_level=6)
    return file.getvalue()


def _read(data: bytes, header: Header) -> NDArray[np.bool_]:
    try:
        file = PIL.Image.open(BytesIO(data), formats=[header.format])
    except PIL.UnidentifiedImageError:
        raise _unsupported() from None
    with file:
        # Pillow rotates TIFF files itself.
        stored_orientation = orientation.UPRIGHT if header.format == "TIFF" else orientation.read_orientation(file)
        is_inverted = header.format == "TIFF" and _has_inverted_values(file)
        file.load()
        marked = (np.asarray(file) != _largest(file)) if is_inverted else _marked(file)
    return np.ascontiguousarray(orientation.to_upright(marked, stored_orientation), dtype=np.bool_)


def _marked(image: PIL.Image.Image) -> NDArray[np.bool_]:
    """Return where an image is neither black nor transparent (H, W); for black paint on a transparent layer, where it is painted."""
    if image.mode == "P" and _has_inverting_palette(image):
        indices: NDArray[np.bool_] = np.asarray(image) != 0
        return indices
    if image.mode in {"P", "PA"} or (image.mode in {"1", "L", "RGB"} and "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode not in _PLAIN_MODES | _WITH_ALPHA:
        raise _unsupported()
    values = np.asarray(image).reshape(image.height, image.width, -1)
    colour = values[..., :-1] if image.mode in _WITH_ALPHA else values
    marked: NDArray[np.bool_] = (colour != 0).any(axis=2)
    if image.mode not in _WITH_ALPHA:
        return marked
    painted: NDArray[np.bool_] = values[..., -1] != 0
    has_colour = bool((marked & painted).any())
    return marked & painted if has_colour or painted.all() else painted


def _has_inverted_values(image: PIL.Image.Image) -> bool:
    """Return whether Pillow inverts the values of a TIFF file, because its smallest value is white."""
    tags: Any = getattr(image, "tag_v2", {})
    return tags.get(_PHOTOMETRIC_TAG) == _MIN_IS_WHITE and image.mode in {"1", "L"}


def _largest(image: PIL.Image.Image) -> int:
    return 1 if image.mode == "1" else 255


def _has_inverting_palette(image: PIL.Image.Image) -> bool:
    """Return whether a palette is grey and falls from white at 0 to black, as ImageJ's inverting lookup table does."""
    table = np.array(image.getpalette() or [], np.int64).reshape(-1, 3)
    is_grey = table.size > 0 and bool((table == table[:, :1]).all())
    return is_grey and table[0, 0] == 255 and table[-1, 0] == 0 and bool((np.diff(table[:, 0]) <= 0).all())


def _unsupported() -> Refusal:
    return Refusal("unsupported_format", gettext_noop("Its values cannot be used as a mask: save it as an 8-bit PNG."))
