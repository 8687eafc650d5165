"""What people do, as verbs. Keyword-only, no request; errors are the domain's, with a code and a sentence."""

from segmentation.services.access import may_change
from segmentation.services.caching import cached_file
from segmentation.services.comparisons import Overlaps, connected_regions, counted_regions, overlaps
from segmentation.services.deletion import delete_image, delete_run, delete_user
from segmentation.services.doubt import Look, certainty_map, look
from segmentation.services.failures import failure_heading
from segmentation.services.fits import Evidence, evidence, evidence_picture, fit_frames, fit_history
from segmentation.services.legends import ClusterRow, cluster_rows, edit_legend, foreground_share, undo_legend
from segmentation.services.masks import UsedMask, masks_in_use, upload_mask
from segmentation.services.notices import notices
from segmentation.services.operations import Crew, Hand, Queue, Storage, Task, crew, queue, runs_by_state, storage
from segmentation.services.quotas import Usage, image_bytes, stored_bytes, usage
from segmentation.services.renditions import rendition, run_thumbnail
from segmentation.services.runs import cancel_run, create_run, retry_run
from segmentation.services.status import RunError, RunStatus, run_status
from segmentation.services.throughput import HOURS, MOST, Recent, Spread, recent
from segmentation.services.uploads import limits, upload_image, upload_sample

__all__ = [
    "HOURS",
    "MOST",
    "ClusterRow",
    "Crew",
    "Evidence",
    "Hand",
    "Look",
    "Overlaps",
    "Queue",
    "Recent",
    "RunError",
    "RunStatus",
    "Spread",
    "Storage",
    "Task",
    "Usage",
    "UsedMask",
    "cached_file",
    "cancel_run",
    "certainty_map",
    "cluster_rows",
    "connected_regions",
    "counted_regions",
    "create_run",
    "crew",
    "delete_image",
    "delete_run",
    "delete_user",
    "edit_legend",
    "evidence",
    "evidence_picture",
    "failure_heading",
    "fit_frames",
    "fit_history",
    "foreground_share",
    "image_bytes",
    "limits",
    "look",
    "masks_in_use",
    "may_change",
    "notices",
    "overlaps",
    "queue",
    "recent",
    "rendition",
    "retry_run",
    "run_status",
    "run_thumbnail",
    "runs_by_state",
    "storage",
    "stored_bytes",
    "undo_legend",
    "upload_image",
    "upload_mask",
    "upload_sample",
    "usage",
]
