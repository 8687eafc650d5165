"""Names of downloads, after the picture: `china-k5-labels.png`."""

import re
import unicodedata
from pathlib import PurePath

_MOST_BYTES = 180  # of the picture's part: file systems take 255 in all
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%;]')  # not allowed on Windows or macOS, or with a meaning in headers
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # devices of Windows
_PLAIN = "picture"  # where nothing is left of a name


def result_name(picture: str, n_clusters: int, *, regions: bool) -> str:
    """Return what the files of a result are called in common; a file name on every system, at most 200 bytes in UTF-8.

    >>> result_name("china.jpg", 5, regions=False), result_name("CON.png", 3, regions=True)
    ('china-k5', '_CON-regions3')
    """
    stem = unicodedata.normalize("NFC", PurePath(picture).stem)
    stem = "".join(" " if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else letter for letter in stem)
    stem = _UNSAFE.sub("_", " ".join(stem.split())).lstrip(".-~ ")
    stem = _RESERVED.sub(r"_\1", stem, count=1) if _RESERVED.match(stem) else stem
    stem = stem.encode()[:_MOST_BYTES].decode(errors="ignore").rstrip(". ")
    return f"{stem or _PLAIN}-{count_name(n_clusters, regions=regions)}"


def count_name(n_clusters: int, *, regions: bool) -> str:
    """Return how many clusters or regions a result has, as it stands in names of files.

    >>> count_name(5, regions=False), count_name(12, regions=True)
    ('k5', 'regions12')
    """
    return f"{'regions' if regions else 'k'}{n_clusters}"


def download_name(result: str, file_name: str) -> str:
    """Return the name of one file of a result on a person's disk.

    >>> download_name("china-k5", "labels.png")
    'china-k5-labels.png'
    """
    return f"{result}-{file_name}"
