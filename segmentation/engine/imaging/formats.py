"""The formats of pictures that are read, by their first bytes, and the extensions that belong to them."""

import mimetypes
from pathlib import PurePath

from segmentation.engine.imaging import dicom, jpeg2000, jpegxl
from segmentation.engine.imaging.notices import Notice

_EXTENSIONS = {
    "PNG": {".png", ".apng"},
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff", ".btf", ".svs", ".ndpi", ".lsm", ".stk"},
    "BMP": {".bmp", ".dib"},
    "GIF": {".gif"},
    "AVIF": {".avif", ".avifs"},
    "HEIF": {".heic", ".heif", ".heics", ".heifs", ".hif"},
    "JPEG2000": {".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jpt"},
    "JXL": {".jxl"},
    "DICOM": {".dcm", ".dicom", ".dic"},
}
FORMATS = frozenset(_EXTENSIONS)
_USUAL_EXTENSIONS = {
    "PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp", "GIF": ".gif", "AVIF": ".avif",
    "HEIF": ".heic", "JPEG2000": ".jp2", "JXL": ".jxl", "DICOM": ".dcm",
}  # fmt: skip
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
    jpeg2000.JP2_SIGNATURE: "JPEG2000",
    jpeg2000.CODESTREAM_SIGNATURE: "JPEG2000",
    jpegxl.CONTAINER_SIGNATURE: "JXL",
    jpegxl.CODESTREAM_SIGNATURE: "JXL",
}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_KNOWN_TYPES = mimetypes.MimeTypes(filenames=()).types_map[True]  # those built into Python: the same on every machine


def detect_format(data: bytes) -> str | None:
    """Return the format of a file by its first bytes, a member of `FORMATS`; None for any other content."""
    if dicom.is_dicom(data):  # what stands before its signature may be the header of another format
        return "DICOM"
    for signature, image_format in _SIGNATURES.items():
        if data.startswith(signature):
            return image_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = {
            data[8:12],
            *(data[offset : offset + 4] for offset in range(16, min(int.from_bytes(data[:4]), 256), 4)),
        }
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    return None


def name_of_file(name: str, image_format: str) -> str:
    """Return a name under which a file can be stored: with an extension of its format, where it has that of something else."""
    return name if not extension_notices(name, image_format) else name + _USUAL_EXTENSIONS[image_format]


def extension_notices(name: str, image_format: str) -> list[Notice]:
    """Return a notice when the extension of a file's name belongs to another format than its content."""
    extension = PurePath(name).suffix.lower()
    is_known = extension in _KNOWN_TYPES or any(extension in known for known in _EXTENSIONS.values())
    if not is_known or extension in _EXTENSIONS[image_format]:
        return []
    return [Notice("other_extension", {"extension": extension, "format": image_format})]
