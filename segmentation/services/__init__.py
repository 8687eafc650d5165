"""The operations that views, API and admin call. They take keyword arguments, know no request, and raise domain errors."""

from segmentation.results import StoredResult, stored_result
from segmentation.services.archives import (
    ArchiveStatus,
    archive_status,
    cancel_archive,
    create_archive,
    open_archive,
    ready_archive,
)
from segmentation.services.artefacts import available_artefacts, find_artefact, open_artefact
from segmentation.services.caching import cached_file
from segmentation.services.comparisons import Overlap, Overlaps, connected_regions, counted_regions, overlaps
from segmentation.services.deletion import delete_image, delete_run, delete_user, end_sessions, refusal_to_delete
from segmentation.services.failures import failure_heading
from segmentation.services.fits import Evidence, evidence, fit_frames, fit_history
from segmentation.services.hints import HintSentence, area_sentences, hint_sentences
from segmentation.services.image_notices import image_notices
from segmentation.services.job_statistics import MAX_RECENT_JOBS, RECENT_HOURS, DurationSummary, RecentJobs, recent_jobs
from segmentation.services.legends import cluster_name, edit_legend, undo_legend
from segmentation.services.masks import UsedMask, masks_in_use, upload_mask
from segmentation.services.operations import (
    QueueStatus,
    RunningJob,
    StorageStatus,
    WorkerStatus,
    WorkerStatuses,
    jobs_by_state,
    queue,
    storage,
    workers,
)
from segmentation.services.pixel_reports import PixelReport, pixel_report
from segmentation.services.quotas import Usage, image_bytes, stored_bytes, usage
from segmentation.services.readings import change_pixel_size, change_reading, parse_pixel_size, pixel_size_in_unit
from segmentation.services.runs import cancel_run, create_run, retry_run
from segmentation.services.status import RunError, RunStatus, run_status
from segmentation.services.uploads import limits, upload_image, upload_sample

__all__ = [
    "MAX_RECENT_JOBS",
    "RECENT_HOURS",
    "ArchiveStatus",
    "DurationSummary",
    "Evidence",
    "HintSentence",
    "Overlap",
    "Overlaps",
    "PixelReport",
    "QueueStatus",
    "RecentJobs",
    "RunError",
    "RunStatus",
    "RunningJob",
    "StorageStatus",
    "StoredResult",
    "Usage",
    "UsedMask",
    "WorkerStatus",
    "WorkerStatuses",
    "archive_status",
    "area_sentences",
    "available_artefacts",
    "cached_file",
    "cancel_archive",
    "cancel_run",
    "change_pixel_size",
    "change_reading",
    "cluster_name",
    "connected_regions",
    "counted_regions",
    "create_archive",
    "create_run",
    "delete_image",
    "delete_run",
    "delete_user",
    "edit_legend",
    "end_sessions",
    "evidence",
    "failure_heading",
    "find_artefact",
    "fit_frames",
    "fit_history",
    "hint_sentences",
    "image_bytes",
    "image_notices",
    "jobs_by_state",
    "limits",
    "masks_in_use",
    "open_archive",
    "open_artefact",
    "overlaps",
    "parse_pixel_size",
    "pixel_report",
    "pixel_size_in_unit",
    "queue",
    "ready_archive",
    "recent_jobs",
    "refusal_to_delete",
    "retry_run",
    "run_status",
    "storage",
    "stored_bytes",
    "stored_result",
    "undo_legend",
    "upload_image",
    "upload_mask",
    "upload_sample",
    "usage",
    "workers",
]
