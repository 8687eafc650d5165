from dataclasses import dataclass, field
from typing import Any

from segmentation import formatting

_NAMED = 100  # keys that a list names; it counts the others


@dataclass(slots=True)
class Keys:
    """Keys of files: all are counted, the first hundred named."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        self.count += 1
        if len(self.named) < _NAMED:
            self.named.append(key)


@dataclass(slots=True, kw_only=True)
class Report:
    """What a sweep has found."""

    kept: int = 0
    kept_bytes: int = 0
    cached: int = 0  # that can be made again
    cached_bytes: int = 0
    removed: Keys = field(default_factory=Keys)
    removed_bytes: int = 0
    missing: Keys = field(default_factory=Keys)
    altered: Keys = field(default_factory=Keys)
    unknown: Keys = field(default_factory=Keys)  # nothing of ours is called like that; left alone

    @property
    def is_sound(self) -> bool:
        """Whether every file that must be there is there as it was stored."""
        return not self.missing.count and not self.altered.count

    def __str__(self) -> str:
        return (
            f"{self.kept} files kept ({formatting.filesize(self.kept_bytes)}), "
            f"{self.cached} in the cache ({formatting.filesize(self.cached_bytes)}), "
            f"{self.removed.count} removed ({formatting.filesize(self.removed_bytes)}), {self.missing.count} missing, "
            f"{self.altered.count} altered, {self.unknown.count} unknown."
        )

    def to_mapping(self) -> dict[str, Any]:
        """The report as a JSON object."""
        lists = {name: getattr(self, name) for name in ("removed", "missing", "altered", "unknown")}
        return {
            "kept": {"count": self.kept, "bytes": self.kept_bytes},
            "cached": {"count": self.cached, "bytes": self.cached_bytes},
            **{name: {"count": keys.count, "keys": keys.named} for name, keys in lists.items()},
            "removed_bytes": self.removed_bytes,
        }
