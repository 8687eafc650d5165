"""What people do, as verbs. Keyword-only, no request; errors are the domain's, with a code and a sentence."""

from segmentation.services.access import may_change
from segmentation.services.deletion import delete_image, delete_run, delete_user
from segmentation.services.fits import Evidence, evidence, evidence_picture, fit_history
from segmentation.services.legends import ClusterRow, cluster_rows, edit_legend, foreground_share
from segmentation.services.notices import notices
from segmentation.services.quotas import Usage, usage
from segmentation.services.renditions import rendition
from segmentation.services.runs import cancel_run, create_run, retry_run
from segmentation.services.status import RunError, RunStatus, run_status
from segmentation.services.uploads import limits, upload_image, upload_sample

__all__ = [
    "ClusterRow",
    "Evidence",
    "RunError",
    "RunStatus",
    "Usage",
    "cancel_run",
    "cluster_rows",
    "create_run",
    "delete_image",
    "delete_run",
    "delete_user",
    "edit_legend",
    "evidence",
    "evidence_picture",
    "fit_history",
    "foreground_share",
    "limits",
    "may_change",
    "notices",
    "rendition",
    "retry_run",
    "run_status",
    "upload_image",
    "upload_sample",
    "usage",
]
