from dataclasses import dataclass

from django.conf import settings

from segmentation import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The room on the disk that holds the pictures, in bytes."""

    free: int
    total: int

    @property
    def is_low(self) -> bool:
        """Whether the keepers of the site should make room now, before uploads and runs fail."""
        return self.free < int(settings.GMM_DISK_WARNING)


def space() -> Space | None:
    """Return the room that is left; None when the pictures are in an object store."""
    left = files.space_left()
    return None if left is None else Space(free=left[0], total=left[1])
