"""The one way from a file to pixels: what is shown, 8-bit sRGB; what is fitted, in its own depth; and which pixels count."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import PIL.AvifImagePlugin
import PIL.Image
from numpy.typing import NDArray

from segmentation.engine.imaging import orientation, profiles
from segmentation.engine.imaging.admission import Header, Limits, OnHeader, admit, guarded, ignore_header, png_depth
from segmentation.engine.imaging.eight_bits import Decoded, read_eight_bits
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.planes import reduced

PIL.AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a child with a memory limit has one thread

_REDUCED_BY_CODEC = {"AVIF", "HEIF"}  # from the full range, not from that of the data: they are made for screens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What is shown and segmented, upright; arrays are C-contiguous.

    Grey pictures have one band of data, colours of 8 bits are `pixels` itself, and deeper ones and those of more bands are as
    stored: LittleCMS has 8 bits, so that a profile is applied to what is shown only. Transparency is laid over white in
    both.
    """

    pixels: NDArray[np.uint8]  # (H, W, 3) sRGB, to be shown
    data: NDArray[np.generic]  # (H, W, B), whole or real numbers of up to 16 bands, to be fitted
    valid: NDArray[np.bool_] | None  # (H, W), False where there is no data; None when all pixels count
    header: Header  # as stored in the file
    notices: tuple[Notice, ...]
    metadata: dict[str, Any]


def decode(data: bytes, *, name: str, limits: Limits, on_header: OnHeader = ignore_header) -> Picture:
    """Decode a whole file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name; an extension, if there is one, must be of the format.
    limits : Limits
        Looked at before anything is decoded.
    on_header : callable
        Told the header of a file that is admitted.

    Raises
    ------
    Refusal
        As of `admit`; `corrupt` also for what turns out to be damaged.
    MemoryError
        When the picture does not fit.
    """
    header = admit(data, name=name, limits=limits)
    on_header(header)
    return guarded(lambda: _decode(data, header))


def _decode(data: bytes, header: Header) -> Picture:
    notices = [Notice("first_frame", {"frames": header.frames})] if header.frames > 1 else []
    if header.format in _REDUCED_BY_CODEC and header.dtype != "uint8":
        notices.append(Notice("bits_reduced"))
    decoded = _read(data, header)
    found = reduced(decoded.planes)
    pixels, fitted, valid = found.pixels, found.data, found.valid
    notices += decoded.notices + found.notices
    is_one = fitted is pixels
    if decoded.profile is not None:
        pixels, notice = _managed(pixels, decoded, is_fitted=is_one)
        notices += [notice] if notice else []
    if decoded.orientation != orientation.UPRIGHT:
        notices.append(Notice("orientation_applied"))
        pixels = orientation.applied(pixels, decoded.orientation)
        fitted = pixels if is_one else orientation.applied(fitted, decoded.orientation)
        valid = None if valid is None else orientation.applied(valid, decoded.orientation)
    return Picture(
        pixels=pixels,
        data=pixels if is_one else fitted,
        valid=valid,
        header=header,
        notices=tuple(notices),
        metadata=decoded.metadata,
    )


def _read(data: bytes, header: Header) -> Decoded:
    from segmentation.engine.imaging import deep  # noqa: PLC0415 - its codecs are not for a web process to load

    if header.format == "PNG" and png_depth(data) == 16:
        return deep.read_deep_png(data)
    if header.format == "TIFF" and not (header.dtype in {"uint8", "bool"} and _is_open_to_pillow(data, header.bands)):
        return deep.read_deep_tiff(data)
    return read_eight_bits(data, header)


def _is_open_to_pillow(data: bytes, bands: int) -> bool:
    """Whether Pillow knows this arrangement of 8-bit values, and all the bands that there are.

    It reads more compressions and colour spaces than the other way, but passes over bands that are neither colour nor alpha.
    """
    try:
        with PIL.Image.open(BytesIO(data), formats=["TIFF"]) as image:
            is_whole = len(image.getbands()) >= bands
            return is_whole and image.info.get("compression") != "webp"  # known, but its libtiff is built without
    except PIL.UnidentifiedImageError:
        return False


def _managed(
    pixels: NDArray[np.uint8], decoded: Decoded, *, is_fitted: bool
) -> tuple[NDArray[np.uint8], Notice | None]:
    """Apply the profile of a picture of more than 8 bits to what is shown of it: LittleCMS gets 8 bits only."""
    is_grey = decoded.planes.colour.shape[2] == 1
    image = PIL.Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if is_grey else pixels)
    converted, notice = profiles.to_srgb(image, decoded.profile or b"")
    if notice is not None and notice.code == "profile_converted" and not is_fitted:
        notice = Notice("profile_shown", notice.values)
    return (pixels if converted is image else np.asarray(converted)), notice
