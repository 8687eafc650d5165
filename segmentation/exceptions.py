"""Exceptions of the application, which extend those of the engine: quotas, rate limits, conflicts and storage."""

from segmentation.engine.exceptions import SegmentationError, gettext_noop


class QuotaExceeded(SegmentationError):
    """Raised when a person has reached a quota: `quota_bytes`, `quota_images` or `quota_runs`."""


class RateLimited(SegmentationError):
    """Raised when a person makes too many requests: `rate_limited`."""


class Conflict(SegmentationError):
    """Raised when an object is no longer in the state that a request needs: `revision_conflict` or `state_conflict`."""


class NotFound(SegmentationError):
    """What was asked for is not there: it never was, was deleted a moment ago, or is somebody else's; nobody learns which."""

    def __init__(
        self,
        code: str = "not_found",
        template: str = gettext_noop("This picture or run was deleted, or it belongs to somebody else."),
        **values: str | float,
    ) -> None:
        super().__init__(code, template, **values)


class StorageUnavailable(SegmentationError):
    """Raised when the media storage does not answer."""

    def __init__(
        self,
        code: str = "storage_unavailable",
        template: str = gettext_noop("The storage for pictures does not answer. Nothing was changed; try again later."),
        **values: str | float,
    ) -> None:
        super().__init__(code, template, **values)


class StorageFull(StorageUnavailable):
    """Raised when the media storage is full; the sentence tells people to contact the administrators."""

    def __init__(
        self,
        code: str = "storage_unavailable",
        template: str = gettext_noop(
            "The disk for pictures is full. Nothing was changed. Tell the administrators of this site; they have to make room."
        ),
        **values: str | float,
    ) -> None:
        super().__init__(code, template, **values)
