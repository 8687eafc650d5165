"""What people do, as verbs. Keyword-only, no request; errors are the domain's, with a code and a sentence."""

from segmentation.services.access import may_change
from segmentation.services.deletion import delete_image, delete_run
from segmentation.services.failures import failure_heading
from segmentation.services.fits import Evidence, evidence, evidence_picture, fit_history
from segmentation.services.legends import ClusterRow, cluster_rows, edit_legend, foreground_share
from segmentation.services.notices import notices
from segmentation.services.operations import Crew, Hand, Queue, Storage, Task, crew, queue, runs_by_state, storage
from segmentation.services.quotas import Usage, usage
from segmentation.services.renditions import rendition
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
    "Queue",
    "Recent",
    "RunError",
    "RunStatus",
    "Spread",
    "Storage",
    "Task",
    "Usage",
    "cancel_run",
    "cluster_rows",
    "create_run",
    "crew",
    "delete_image",
    "delete_run",
    "edit_legend",
    "evidence",
    "evidence_picture",
    "failure_heading",
    "fit_history",
    "foreground_share",
    "limits",
    "may_change",
    "notices",
    "queue",
    "recent",
    "rendition",
    "retry_run",
    "run_status",
    "runs_by_state",
    "storage",
    "upload_image",
    "upload_sample",
    "usage",
]
