"""What people do, as verbs. Keyword-only, no request; errors are the domain's, with a code and a sentence."""

from segmentation.services.archives import (
    ArchiveStatus,
    archive_status,
    cancel_archive,
    create_archive,
    open_archive,
    ready_archive,
)
from segmentation.services.caching import cached_file
from segmentation.services.comparisons import Overlaps, connected_regions, counted_regions, overlaps
from segmentation.services.deletion import delete_image, delete_run, delete_user, end_sessions, refusal_to_delete
from segmentation.services.doubt import Look, certainty_map, look
from segmentation.services.failures import failure_heading
from segmentation.services.fits import Evidence, evidence, evidence_picture, fit_frames, fit_history
from segmentation.services.legends import ClusterRow, cluster_rows, edit_legend, foreground_share, undo_legend
from segmentation.services.masks import UsedMask, masks_in_use, upload_mask
from segmentation.services.notices import notices
from segmentation.services.operations import (
    Queue,
    RunningJob,
    Storage,
    WorkerStatus,
    WorkerStatuses,
    jobs_by_state,
    queue,
    storage,
    workers,
)
from segmentation.services.quotas import Usage, image_bytes, stored_bytes, usage
from segmentation.services.renditions import rendition, run_thumbnail
from segmentation.services.runs import cancel_run, create_run, retry_run
from segmentation.services.status import RunError, RunStatus, run_status
from segmentation.services.throughput import HOURS, MOST, Recent, Spread, recent
from segmentation.services.uploads import limits, upload_image, upload_sample

__all__ = [
    "HOURS",
    "MOST",
    "ArchiveStatus",
    "ClusterRow",
    "Evidence",
    "Look",
    "Overlaps",
    "Queue",
    "Recent",
    "RunError",
    "RunStatus",
    "RunningJob",
    "Spread",
    "Storage",
    "Usage",
    "UsedMask",
    "WorkerStatus",
    "WorkerStatuses",
    "archive_status",
    "cached_file",
    "cancel_archive",
    "cancel_run",
    "certainty_map",
    "cluster_rows",
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
    "evidence_picture",
    "failure_heading",
    "fit_frames",
    "fit_history",
    "foreground_share",
    "image_bytes",
    "jobs_by_state",
    "limits",
    "look",
    "masks_in_use",
    "notices",
    "open_archive",
    "overlaps",
    "queue",
    "ready_archive",
    "recent",
    "refusal_to_delete",
    "rendition",
    "retry_run",
    "run_status",
    "run_thumbnail",
    "storage",
    "stored_bytes",
    "undo_legend",
    "upload_image",
    "upload_mask",
    "upload_sample",
    "usage",
    "workers",
]
