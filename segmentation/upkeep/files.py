"""The sweep of files: delete files that have had no row for a day, and report files of rows that are missing or altered.

The listing of the storage and the rows are read in parallel in the order of their keys, so that little memory is needed. Neither
is a snapshot. Therefore, before a file is deleted or reported, its row and the file itself are read again.
"""

import heapq
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from segmentation import files
from segmentation.exceptions import StorageUnavailable
from segmentation.models import CachedFile, JobOutput
from segmentation.storage import Stored
from segmentation.upkeep.row_files import TABLES, ExpectedFile, RowFiles, TableWithFiles
from segmentation.upkeep.superseded_files import superseded
from segmentation.upkeep.sweep_report import KeyList, SweepReport

GRACE = timedelta(days=1)  # longer than the files of an upload or attempt exist before their row
_TEMPORARY = (files.INCOMING, files.CLOCK)


def sweep_files(*, verify: bool = False, dry_run: bool = False) -> SweepReport:
    """Delete orphaned files that are older than a day, and check that each file of a row exists and has its size.

    Parameters
    ----------
    verify : bool
        Whether to read every master and compare its SHA-256, too.
    dry_run : bool
        Whether to delete nothing, and only report what would be deleted.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer.
    """
    sweep = _Sweep(before=files.now() - GRACE, verify=verify, dry_run=dry_run)
    if not dry_run:
        CachedFile.objects.without_source().delete()
        superseded().delete()
        JobOutput.objects.without_job().delete()
    for table in TABLES:
        sweep.check(table)
    for prefix in _TEMPORARY:
        sweep.clear(prefix)
    return sweep.report


class _Sweep:
    def __init__(self, *, before: datetime, verify: bool, dry_run: bool) -> None:
        self.report = SweepReport()
        self._before = before
        self._verify = verify
        self._dry_run = dry_run

    def check(self, table: TableWithFiles) -> None:
        """Compare the folders of a table with its rows."""
        for key, folder, row in _side_by_side(self._folders(table.prefix), table.each()):
            size = self._remove_orphans(table, key, folder, row)
            if row is not None:
                self._check_masters(table, row, folder)
                if table.record_size is not None and size != row.stored_bytes and not self._dry_run:
                    table.record_size(row.id)
                if table.is_cache and not folder:
                    self._forget_lost(table, row)
        self._tidy(table.prefix)

    def clear(self, prefix: str) -> None:
        """Delete what killed processes have left in a folder of temporary files."""
        for file in files.walk(prefix):
            if file.modified < self._before:
                self._remove(file)
        self._tidy(prefix)

    def _folders(self, prefix: str) -> Iterator[tuple[str, list[Stored]]]:
        for name, group in groupby(files.walk(prefix), key=lambda file: file.key.split("/")[1]):
            folder = list(group)
            if _is_ours(name):
                yield name, folder
            else:
                for file in folder:
                    self.report.unknown.add(file.key)

    def _remove_orphans(self, table: TableWithFiles, key: str, folder: list[Stored], row: RowFiles | None) -> int:
        """Delete the files of a folder that belong to no row; returns the bytes of the others."""
        orphans = [file for file in folder if file.modified < self._before and not _keeps(row, file)]
        if orphans:
            row = table.get(uuid.UUID(key))
            orphans = [file for file in orphans if not _keeps(row, file)]
        for file in orphans:
            self._remove(file)
        size = sum(file.bytes for file in folder) - sum(file.bytes for file in orphans)
        if table.is_cache:
            self.report.cached += len(folder) - len(orphans)
            self.report.cached_bytes += size
        else:
            self.report.kept += len(folder) - len(orphans)
            self.report.kept_bytes += size
        return size

    def _forget_lost(self, table: TableWithFiles, row: RowFiles) -> None:
        """Delete a row of the cache whose file is missing, so that its size no longer counts."""
        if not self._dry_run and next(files.walk(f"{table.prefix}/{row.id}"), None) is None:
            CachedFile.objects.filter(pk=row.id).delete()

    def _remove(self, file: Stored) -> None:
        self.report.removed.add(file.key)
        self.report.removed_bytes += file.bytes
        if not self._dry_run:
            files.delete(file.key)

    def _check_masters(self, table: TableWithFiles, row: RowFiles, folder: list[Stored]) -> None:
        listed = {file.key: file.bytes for file in folder}
        for key, expected in row.masters.items():
            seems_sound = key in listed and expected.bytes in {None, listed[key]}
            flaw = None if seems_sound and not self._verify else self._flaw(key, expected)
            if flaw is not None:
                row_now = table.get(row.id)
                if row_now is not None and key in row_now.masters:
                    flaw.add(key)

    def _flaw(self, key: str, expected: ExpectedFile) -> KeyList | None:
        """Check the file itself; return the list of the report to which it belongs, or None if it has no flaw."""
        size = files.size(key)
        if size is None:
            return self.report.missing
        if expected.bytes not in {None, size}:
            return self.report.altered
        if not self._verify or expected.sha256 is None:
            return None
        try:
            return None if files.sha256(key) == expected.sha256 else self.report.altered
        except StorageUnavailable:
            if files.size(key) is not None:
                raise
            return self.report.missing

    def _tidy(self, prefix: str) -> None:
        if not self._dry_run:
            files.remove_empty_folders(prefix, before=self._before)


def _side_by_side(
    folders: Iterable[tuple[str, list[Stored]]], rows: Iterable[RowFiles]
) -> Iterator[tuple[str, list[Stored], RowFiles | None]]:
    """Yield the folder and the row of each key. Both inputs must be ordered by key."""
    first = itemgetter(0)
    keyed = heapq.merge(
        ((name, folder, None) for name, folder in folders), ((str(row.id), [], row) for row in rows), key=first
    )
    for name, group in groupby(keyed, key=first):
        parts = list(group)
        yield (
            name,
            [file for _, folder, _ in parts for file in folder],
            next((row for _, _, row in parts if row is not None), None),
        )


def _keeps(row: RowFiles | None, file: Stored) -> bool:
    return row is not None and row.keeps(file.key)


def _is_ours(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
