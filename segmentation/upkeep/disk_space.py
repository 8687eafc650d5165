from dataclasses import dataclass

from django.conf import settings

from segmentation import files


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpace:
    """Free and total bytes of the disk that holds the pictures."""

    free: int
    total: int

    @property
    def is_low(self) -> bool:
        """Whether less than `GMM_DISK_WARNING` is free, so that administrators should free space."""
        return self.free < int(settings.GMM_DISK_WARNING)


def disk_space() -> DiskSpace | None:
    """Return the free space for pictures; None when they are in an object store."""
    left = files.space_left()
    return None if left is None else DiskSpace(free=left[0], total=left[1])
