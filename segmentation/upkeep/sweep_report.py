from dataclasses import dataclass, field
from typing import Any

from segmentation import formatting

_NAMED = 100  # the most keys that a list names; further ones are only counted


@dataclass(slots=True)
class KeyList:
    """A list of file keys that counts all of them and keeps the first 100."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        self.count += 1
        if len(self.named) < _NAMED:
            self.named.append(key)


@dataclass(slots=True, kw_only=True)
class SweepReport:
    """The findings of a sweep."""

    kept: int = 0
    kept_bytes: int = 0
    cached: int = 0  # files in the cache
    cached_bytes: int = 0
    removed: KeyList = field(default_factory=KeyList)
    removed_bytes: int = 0
    missing: KeyList = field(default_factory=KeyList)
    altered: KeyList = field(default_factory=KeyList)
    unknown: KeyList = field(default_factory=KeyList)  # keys of an unknown form; these files are kept

    @property
    def is_sound(self) -> bool:
        """Whether no file is missing or altered."""
        return not self.missing.count and not self.altered.count

    def __str__(self) -> str:
        return (
            f"{self.kept} files kept ({formatting.filesize(self.kept_bytes)}), "
            f"{self.cached} in the cache ({formatting.filesize(self.cached_bytes)}), "
            f"{self.removed.count} removed ({formatting.filesize(self.removed_bytes)}), {self.missing.count} missing, "
            f"{self.altered.count} altered, {self.unknown.count} unknown."
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        lists = {name: getattr(self, name) for name in ("removed", "missing", "altered", "unknown")}
        return {
            "kept": {"count": self.kept, "bytes": self.kept_bytes},
            "cached": {"count": self.cached, "bytes": self.cached_bytes},
            **{name: {"count": keys.count, "keys": keys.named} for name, keys in lists.items()},
            "removed_bytes": self.removed_bytes,
        }
