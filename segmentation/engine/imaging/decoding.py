"""The one way from a file to pixels: 8-bit sRGB, upright, with the pixels that count."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pi_heif
import PIL.AvifImagePlugin
import PIL.Image
from numpy.typing import NDArray

from segmentation.engine.imaging import orientation, profiles
from segmentation.engine.imaging.admission import Header, Limits, admit, guarded, png_depth
from segmentation.engine.imaging.eight_bits import Decoded, read_eight_bits
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.planes import reduced

PIL.AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a child with a memory limit has one thread
pi_heif.options.DECODE_THREADS = 1

_REDUCED_BY_CODEC = {"AVIF", "HEIF"}  # from the full range, not from that of the data: they are made for screens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What is segmented and shown."""

    pixels: NDArray[np.uint8]  # (H, W, 3) sRGB, C-contiguous, transparency over white
    valid: NDArray[np.bool_] | None  # (H, W), False where there is no data; None when all pixels count
    header: Header  # as stored in the file
    notices: tuple[Notice, ...]
    metadata: dict[str, Any]


def decode(data: bytes, *, name: str, limits: Limits) -> Picture:
    """Decode a whole file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name; an extension, if there is one, must be of the format.
    limits : Limits
        Looked at before anything is decoded.

    Raises
    ------
    Refusal
        As of `admit`; `corrupt` also for what turns out to be damaged.
    MemoryError
        When the picture does not fit.
    """
    header = admit(data, name=name, limits=limits)
    return guarded(lambda: _decode(data, header))


def _decode(data: bytes, header: Header) -> Picture:
    notices = [Notice("first_frame", {"frames": header.frames})] if header.frames > 1 else []
    if header.format in _REDUCED_BY_CODEC and header.dtype != "uint8":
        notices.append(Notice("bits_reduced"))
    decoded = _read(data, header)
    pixels, valid, reduction = reduced(decoded.planes)
    notices += decoded.notices + reduction
    if decoded.profile is not None:
        pixels, notice = _managed(pixels, decoded)
        notices += [notice] if notice else []
    if decoded.orientation != orientation.UPRIGHT:
        notices.append(Notice("orientation_applied"))
        pixels = orientation.applied(pixels, decoded.orientation).astype(np.uint8, copy=False)
        valid = (
            None if valid is None else np.ascontiguousarray(orientation.applied(valid, decoded.orientation), dtype=bool)
        )
    return Picture(
        pixels=np.ascontiguousarray(pixels),
        valid=valid,
        header=header,
        notices=tuple(notices),
        metadata=decoded.metadata,
    )


def _read(data: bytes, header: Header) -> Decoded:
    from segmentation.engine.imaging import deep  # noqa: PLC0415 - its codecs are not for a web process to load

    if header.format == "PNG" and png_depth(data) == 16:
        return deep.read_deep_png(data)
    if header.format == "TIFF" and not (
        header.dtype in {"uint8", "bool"} and header.bands <= 4 and _is_open_to_pillow(data)
    ):
        return deep.read_deep_tiff(data)
    return read_eight_bits(data, header)


def _is_open_to_pillow(data: bytes) -> bool:
    """Whether Pillow knows this arrangement of 8-bit values; it reads more compressions and colour spaces than the other way."""
    try:
        with PIL.Image.open(BytesIO(data), formats=["TIFF"]) as image:
            return image.info.get("compression") != "webp"  # known, but its libtiff is built without
    except PIL.UnidentifiedImageError:
        return False


def _managed(pixels: NDArray[np.uint8], decoded: Decoded) -> tuple[NDArray[np.uint8], Notice | None]:
    """Apply the profile of a picture of more than 8 bits after its reduction: LittleCMS gets 8 bits only."""
    is_grey = decoded.planes.colour.shape[2] == 1
    image = PIL.Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if is_grey else pixels)
    converted, notice = profiles.to_srgb(image, decoded.profile or b"")
    return (pixels if converted is image else np.asarray(converted)), notice
