"""What can go wrong between people, quotas and storage; the engine's vocabulary extended by the application's few."""

from segmentation.engine.exceptions import SegmentationError, gettext_noop


class QuotaExceeded(SegmentationError):
    """A person has used up what they may store or run: `quota_bytes`, `quota_images`, `quota_runs`."""


class RateLimited(SegmentationError):
    """Too many requests in a short time."""


class Conflict(SegmentationError):
    """The thing is no longer in the state that the request started from: `revision_conflict`, `state_conflict`."""


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
    """Media storage did not answer."""

    def __init__(
        self,
        code: str = "storage_unavailable",
        template: str = gettext_noop("The storage for pictures does not answer. Nothing was changed; try again later."),
        **values: str | float,
    ) -> None:
        super().__init__(code, template, **values)


class StorageFull(StorageUnavailable):
    """Media storage has no room: only the keepers of the site can help, so people are told to turn to them."""

    def __init__(
        self,
        code: str = "storage_unavailable",
        template: str = gettext_noop(
            "The disk for pictures is full. Nothing was changed. Tell the administrators of this site; they have to make room."
        ),
        **values: str | float,
    ) -> None:
        super().__init__(code, template, **values)
