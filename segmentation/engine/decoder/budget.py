"""What reading a file may take: in proportion to its bytes and pixels, so that a small file cannot take much."""

from math import ceil

_SECONDS = 3.0  # of one core, whatever the file; `benchmarks/decoding.py` measures what honest files take
_SECONDS_PER_MEGABYTE = 0.1  # of the file
_SECONDS_PER_MEGAPIXEL = 0.15
_SECONDS_PER_DECODED_MEGABYTE = 0.02


def processor_seconds(*, size: int, pixels: int = 0, decoded_bytes: int = 0) -> int:
    """Return how long a file may be computed on, in whole seconds.

    Parameters
    ----------
    size : int
        Bytes of the file.
    pixels, decoded_bytes : int
        As its header says; 0 until it has been read.
    """
    allowed = _SECONDS + _SECONDS_PER_MEGABYTE * size / 1e6
    allowed += _SECONDS_PER_MEGAPIXEL * pixels / 1e6 + _SECONDS_PER_DECODED_MEGABYTE * decoded_bytes / 1e6
    return ceil(allowed)
