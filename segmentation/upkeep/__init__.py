"""What keeps rows and files in step when nobody looks: the sweep of orphans, the check of masters, what has expired."""

from segmentation.upkeep.files import sweep_files
from segmentation.upkeep.report import Keys, Report
from segmentation.upkeep.retention import remove_expired
from segmentation.upkeep.space import Space, space

__all__ = ["Keys", "Report", "Space", "remove_expired", "space", "sweep_files"]
