"""What can go wrong between people, quotas and storage; the engine's vocabulary extended by the application's few."""

from segmentation.engine.exceptions import SegmentationError, gettext_noop


class QuotaExceeded(SegmentationError):
    """A person has used up what they may store or run: `quota_bytes`, `quota_images`, `quota_runs`."""


class RateLimited(SegmentationError):
    """Too many requests in a short time."""


class Conflict(SegmentationError):
    """The thing is no longer in the state that the request started from: `revision_conflict`, `state_conflict`."""


class StorageUnavailable(SegmentationError):
    """Media storage did not answer, or its disk is full."""

    def __init__(
        self,
        code: str = "storage_unavailable",
        template: str = gettext_noop("The storage for pictures does not answer. Nothing was changed; try again later."),
        **values: str | float,
    ) -> None:
        super().__init__(code, template, **values)
