"""What a DICOM file says of its picture (PS3.3, PS3.5 and PS3.10): size, depth, spacing. Nothing that names a patient is read.

pydicom reads the few elements that are named here; whole files that were deflated are refused before it sees them, since it
would inflate them without a limit.
"""

import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging.calibration import Calibration
from segmentation.engine.imaging.metadata import SCHEMA, printable
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource, size_with_unit

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SIGNATURE, SIGNATURE_OFFSET = b"DICM", 128

NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70)}
JPEG_LS = {f"1.2.840.10008.1.2.4.{number}" for number in (80, 81)}
JPEG_2000 = {f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203)}
JPEG_XL = {f"1.2.840.10008.1.2.4.{number}" for number in (110, 112)}
_READABLE = NATIVE | {RLE} | JPEG | JPEG_LS | JPEG_2000 | JPEG_XL

_ELEMENTS = [
    "Rows", "Columns", "SamplesPerPixel", "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PhotometricInterpretation", "NumberOfFrames", "PixelSpacing", "ImagerPixelSpacing",
    "TotalPixelMatrixColumns", "RescaleSlope", "RescaleIntercept", "Modality", "Manufacturer", "SharedFunctionalGroupsSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
]  # fmt: skip
_COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_GREYS = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
_META_GROUP, _TRANSFER_SYNTAX = b"\x02\x00", b"\x10\x00"
_MOST_FRAMES = 1_000_000
_LONG_TYPES = {b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"UC", b"UR", b"OD", b"OL", b"OV"}  # with a length of 32 bits
_TYPES = ("uint8", "int8", "uint16", "int16", "int32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dicom:
    """The header of a picture in DICOM."""

    dataset: "Dataset"  # the elements above
    syntax: str  # how the pixels are written: a transfer syntax
    width: int
    height: int
    frames: int
    samples: int  # values a pixel
    allocated: int  # bits of a value in the file
    stored: int  # of which so many count
    high: int  # the highest of them
    is_signed: bool
    interpretation: str  # of the values: grey, colours or a palette
    slope: float  # value = slope x stored value + intercept
    intercept: float

    @property
    def stored_range(self) -> tuple[int, int]:
        """Smallest and largest value that can be stored."""
        return (-(2 ** (self.stored - 1)), 2 ** (self.stored - 1) - 1) if self.is_signed else (0, 2**self.stored - 1)

    @property
    def is_rescaled(self) -> bool:
        return (self.slope, self.intercept) != (1, 0)

    @property
    def dtype(self) -> str:
        """NumPy's name for the type of a value after it was rescaled."""
        if self.allocated == 1:
            return "bool"
        if not self.is_rescaled:
            return f"{'int' if self.is_signed else 'uint'}{self.allocated}"
        if not (self.slope.is_integer() and self.intercept.is_integer()):
            return "float32"
        ends = sorted(self.slope * end + self.intercept for end in self.stored_range)
        return next((name for name in _TYPES if _fits(name, *ends)), "float32")

    @property
    def calibration(self) -> Calibration:
        """The size of a pixel in the patient; at the detector of a projection it is only suggested."""
        known = _spacing(self.dataset.get("PixelSpacing")) or _spacing(_shared_spacing(self.dataset))
        suggested = None if known is not None else _spacing(self.dataset.get("ImagerPixelSpacing"))
        return Calibration(pixel_size=known, pixel_size_suggested=suggested)

    @property
    def metadata(self) -> dict[str, Any]:
        """All that is kept of the file beside its pixels and their size."""
        texts = {"make": self.dataset.get("Manufacturer"), "modality": self.dataset.get("Modality")}
        return {"schema": SCHEMA} | {name: text for name, value in texts.items() if (text := printable(value))}


def is_dicom(data: bytes) -> bool:
    """Return whether a file begins as DICOM files do."""
    return data[SIGNATURE_OFFSET : SIGNATURE_OFFSET + len(SIGNATURE)] == SIGNATURE


def read_header(data: bytes) -> Dicom:
    """Return the header of a file; any exception of pydicom passes through.

    Raises
    ------
    Refusal
        With `unsupported_format` for what is no picture or not written in a way that is read here.
    """
    syntax = _transfer_syntax(data)
    if syntax not in _READABLE:
        raise _unsupported(syntax)
    return _header(_dataset(data, _ELEMENTS, stop_before_pixels=True), syntax)


def read_pixel_data(data: bytes) -> Any:
    """Return the element with the pixels of a file."""
    return _dataset(data, ["PixelData"], stop_before_pixels=False)["PixelData"]


def _dataset(data: bytes, elements: list[str], *, stop_before_pixels: bool) -> "Dataset":
    import pydicom  # noqa: PLC0415 - takes 26 MB; a web process imports this package for its names
    from pydicom import config  # noqa: PLC0415 - the same

    config.settings.reading_validation_mode = config.IGNORE
    return pydicom.dcmread(BytesIO(data), specific_tags=list(elements), stop_before_pixels=stop_before_pixels)


def _header(dataset: "Dataset", syntax: str) -> Dicom:
    if "Rows" not in dataset or "Columns" not in dataset:
        raise Refusal("unsupported_format", gettext_noop("It is a DICOM file without a picture. Choose another one."))
    if dataset.get("TotalPixelMatrixColumns"):
        raise Refusal(
            "unsupported_format",
            gettext_noop(
                "It is a slide in tiles, and each frame only one of them. Export a part of it as TIFF or PNG."
            ),
        )
    allocated = int(dataset.BitsAllocated)
    stored = int(dataset.get("BitsStored") or allocated)
    interpretation = str(dataset.PhotometricInterpretation).strip()
    samples = int(dataset.get("SamplesPerPixel") or 1)
    is_grey, is_colour = interpretation in _GREYS and samples == 1, interpretation in _COLOURS and samples == 3
    if not (is_grey or is_colour) or allocated not in {1, 8, 16, 32} or not 1 <= stored <= allocated:
        raise _unsupported(interpretation)
    slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    if not is_grey or interpretation == "PALETTE COLOR" or not (math.isfinite(slope) and math.isfinite(intercept)):
        slope, intercept = 1.0, 0.0
    return Dicom(
        dataset=dataset,
        syntax=syntax,
        width=int(dataset.Columns),
        height=int(dataset.Rows),
        frames=_frames(dataset),
        samples=samples,
        allocated=allocated,
        stored=stored,
        high=min(int(dataset.get("HighBit") or stored - 1), allocated - 1),
        is_signed=bool(dataset.get("PixelRepresentation")),
        interpretation=interpretation,
        slope=slope,
        intercept=intercept,
    )


def _frames(dataset: "Dataset") -> int:
    frames = max(1, int(dataset.get("NumberOfFrames") or 1))
    if frames > _MOST_FRAMES:
        raise ValueError("It claims too many frames.")
    return frames


def _transfer_syntax(data: bytes) -> str:
    """Return the transfer syntax that the meta information names, which is always explicit and little endian (PS3.10, 7.1)."""
    place, found = SIGNATURE_OFFSET + len(SIGNATURE), b""
    while data[place : place + 2] == _META_GROUP:
        is_long = data[place + 4 : place + 6] in _LONG_TYPES
        first = place + (12 if is_long else 8)
        length = int.from_bytes(data[place + (8 if is_long else 6) : first], "little")
        if data[place + 2 : place + 4] == _TRANSFER_SYNTAX:
            found = data[first : first + min(length, 64)]
        place = first + length
    return found.decode("ascii").strip("\0 ")


def _spacing(value: Any) -> PixelSize | None:
    """Return the size of pixels by the distances of rows and of columns in millimetres (PS3.3, 10.7.1.3)."""
    if value is None or isinstance(value, str | float | int) or len(value) != 2:
        return None
    down, across = value
    return size_with_unit(across, down, "mm", SizeSource.DICOM)


def _shared_spacing(dataset: "Dataset") -> Any:
    """Return the spacing that all frames of an enhanced file share."""
    try:
        return dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing
    except (AttributeError, IndexError, KeyError, TypeError):
        return None


def _fits(name: str, low: float, high: float) -> bool:
    bits = int(name.lstrip("uint"))
    least, most = (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return least <= low and high <= most


def _unsupported(what: str) -> Refusal:
    return Refusal(
        "unsupported_format",
        gettext_noop("It is a DICOM file of a kind that is not supported here (%(what)s). Export it as TIFF or PNG."),
        what="".join(letter for letter in what if letter.isprintable())[:64],
    )
