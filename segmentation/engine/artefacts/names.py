"""Safe file names, and names of downloads after the picture: `china-k5-labels.png`."""

import re
import unicodedata
from pathlib import PurePath, PurePosixPath

_MOST_BYTES = 180  # of the picture's part: file systems take 255 in all
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%;]')  # not allowed on Windows or macOS, or with a meaning in headers
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # devices of Windows
_MOST_OF_EXTENSION = 16  # characters
_PLAIN = "picture"  # where nothing is left of a name


def safe_file_name(name: str, *, max_bytes: int) -> str:
    """Return a name that people typed as a file name that is valid on every system, with its extension.

    Control characters become spaces, and characters that are not allowed everywhere become underscores.

    Parameters
    ----------
    name : str
    max_bytes : int
        The most bytes of the file name in UTF-8.

    >>> safe_file_name("../../etc/passwd.png", max_bytes=80), safe_file_name("a" * 99 + ".png", max_bytes=10)
    ('_.._etc_passwd.png', 'aaaaaa.png')
    """
    name = unicodedata.normalize("NFC", name)
    name = "".join(" " if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else letter for letter in name)
    name = _UNSAFE.sub("_", " ".join(name.split())).lstrip(".-~ ")
    name = _RESERVED.sub(r"_\1", name, count=1) if _RESERVED.match(name) else name
    extension = PurePosixPath(name).suffix[:_MOST_OF_EXTENSION]
    stem = name.removesuffix(extension).encode()[: max_bytes - len(extension.encode())].decode(errors="ignore")
    return f"{stem}{extension}".rstrip(". ") or _PLAIN


def result_name(picture: str, n_clusters: int, *, regions: bool) -> str:
    """Return the common first part of the names of a result's files, at most 200 bytes in UTF-8.

    >>> result_name("china.jpg", 5, regions=False), result_name("CON.png", 3, regions=True)
    ('china-k5', '_CON-regions3')
    """
    stem = safe_file_name(PurePath(picture).stem, max_bytes=_MOST_BYTES)
    return f"{stem}-{count_name(n_clusters, regions=regions)}"


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
