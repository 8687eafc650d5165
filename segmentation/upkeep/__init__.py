"""Maintenance of rows and files: delete orphaned files, check that masters exist, delete expired rows, record sizes."""

from segmentation.upkeep.disk_space import DiskSpace, disk_space
from segmentation.upkeep.files import sweep_files
from segmentation.upkeep.retention import OUTPUTS, remove_expired
from segmentation.upkeep.stored_sizes import record_image_size, record_sizes
from segmentation.upkeep.sweep_report import KeyList, SweepReport

__all__ = [
    "OUTPUTS",
    "DiskSpace",
    "KeyList",
    "SweepReport",
    "disk_space",
    "record_image_size",
    "record_sizes",
    "remove_expired",
    "sweep_files",
]
