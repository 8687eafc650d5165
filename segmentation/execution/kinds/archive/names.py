"""Names inside an archive: readable on every system, and each given once."""

import re
import unicodedata
from pathlib import PurePosixPath

_LONGEST = 80  # characters of a name; with the folders around it a path stays below 260
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # device names of Windows


def plain_name(name: str) -> str:
    """Return a name that people typed as one that every file system takes.

    >>> plain_name("../../etc/passwd")
    '_.._etc_passwd'
    """
    kept = "".join(letter for letter in unicodedata.normalize("NFC", name) if unicodedata.category(letter)[0] != "C")
    kept = _FORBIDDEN.sub("_", kept).strip(" .")
    suffix = PurePosixPath(kept).suffix[:16]
    kept = kept if len(kept) <= _LONGEST else f"{kept[: _LONGEST - len(suffix)].rstrip(' .')}{suffix}"
    return f"_{kept}" if not kept or _RESERVED.fullmatch(kept) else kept


class UniqueNames:
    """Gives each name once, also where capitals make no difference; the second is called "name (2)"."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, name: str) -> str:
        """Return `name`, or the first free "name (n)"."""
        key = name.casefold()
        while key in self._given:
            self._given[key] += 1
            name_again = f"{name} ({self._given[key]})"
            if name_again.casefold() not in self._given:
                name, key = name_again, name_again.casefold()
        self._given[key] = 1
        return name
