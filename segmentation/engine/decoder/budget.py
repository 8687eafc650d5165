"""Limit of the processor time for decoding a file, in proportion to its bytes and pixels."""

from math import ceil

_SECONDS = 3.0  # for every file; `benchmarks/decoding.py` measures the time of normal files
_SECONDS_PER_MEGABYTE = 0.1  # of the file
_SECONDS_PER_MEGAPIXEL = 0.15
_SECONDS_PER_DECODED_MEGABYTE = 0.02


def processor_seconds(*, size: int, pixels: int = 0, decoded_bytes: int = 0) -> int:
    """Return the processor seconds that decoding a file may take, as an integer.

    Parameters
    ----------
    size : int
        Bytes of the file.
    pixels, decoded_bytes : int
        From its header; 0 until the header has been read.
    """
    allowed = _SECONDS + _SECONDS_PER_MEGABYTE * size / 1e6
    allowed += _SECONDS_PER_MEGAPIXEL * pixels / 1e6 + _SECONDS_PER_DECODED_MEGABYTE * decoded_bytes / 1e6
    return ceil(allowed)
