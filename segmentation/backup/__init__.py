"""Back up a whole site, rows and files, to one file, and restore it with any database and storage."""

from segmentation.backup.layout import BackupError
from segmentation.backup.reading import restore
from segmentation.backup.writing import BackupResult, write

__all__ = ["BackupError", "BackupResult", "restore", "write"]
