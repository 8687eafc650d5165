"""What keeps rows and files in step when nobody looks: the sweep of orphans, the check of masters, what has expired."""

from segmentation.upkeep.files import sweep_files
from segmentation.upkeep.report import Keys, Report
from segmentation.upkeep.retention import OUTPUTS, remove_expired
from segmentation.upkeep.sizes import measure_image, measure_sizes
from segmentation.upkeep.space import Space, space

__all__ = [
    "OUTPUTS",
    "Keys",
    "Report",
    "Space",
    "measure_image",
    "measure_sizes",
    "remove_expired",
    "space",
    "sweep_files",
]
