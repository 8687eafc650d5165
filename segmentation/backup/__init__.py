"""A whole site in one file: rows and the files that they name, from any database and storage to any other."""

from segmentation.backup.layout import BackupError
from segmentation.backup.reading import restore
from segmentation.backup.writing import Written, write

__all__ = ["BackupError", "Written", "restore", "write"]
