"""What people do, as verbs. Keyword-only, no request; errors are the domain's, with a code and a sentence."""

from segmentation.results import StoredResult, stored_result
from segmentation.services.artefacts import available_artefacts, find_artefact, open_artefact
from segmentation.services.caching import cached_file
from segmentation.services.comparisons import Overlap, Overlaps, connected_regions, counted_regions, overlaps
from segmentation.services.deletion import delete_image, delete_run, delete_user
from segmentation.services.failures import failure_heading
from segmentation.services.fits import Evidence, evidence, fit_frames, fit_history
from segmentation.services.legends import cluster_name, edit_legend, undo_legend
from segmentation.services.masks import UsedMask, masks_in_use, upload_mask
from segmentation.services.notices import notices
from segmentation.services.operations import Crew, Hand, Queue, Storage, Task, crew, queue, runs_by_state, storage
from segmentation.services.pixel_reports import PixelReport, pixel_report
from segmentation.services.quotas import Usage, image_bytes, stored_bytes, usage
from segmentation.services.runs import cancel_run, create_run, retry_run
from segmentation.services.status import RunError, RunStatus, run_status
from segmentation.services.throughput import HOURS, MOST, Recent, Spread, recent
from segmentation.services.uploads import limits, upload_image, upload_sample

__all__ = [
    "HOURS",
    "MOST",
    "Crew",
    "Evidence",
    "Hand",
    "Overlap",
    "Overlaps",
    "PixelReport",
    "Queue",
    "Recent",
    "RunError",
    "RunStatus",
    "Spread",
    "Storage",
    "StoredResult",
    "Task",
    "Usage",
    "UsedMask",
    "available_artefacts",
    "cached_file",
    "cancel_run",
    "cluster_name",
    "connected_regions",
    "counted_regions",
    "create_run",
    "crew",
    "delete_image",
    "delete_run",
    "delete_user",
    "edit_legend",
    "evidence",
    "failure_heading",
    "find_artefact",
    "fit_frames",
    "fit_history",
    "image_bytes",
    "limits",
    "masks_in_use",
    "notices",
    "open_artefact",
    "overlaps",
    "pixel_report",
    "queue",
    "recent",
    "retry_run",
    "run_status",
    "runs_by_state",
    "storage",
    "stored_bytes",
    "stored_result",
    "undo_legend",
    "upload_image",
    "upload_mask",
    "upload_sample",
    "usage",
]
