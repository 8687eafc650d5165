"""`manage.py restore` restores a site from a file of `manage.py backup`, into any database and storage."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from segmentation.backup import BackupError, restore
from segmentation.engine.exceptions import SegmentationError


class Command(BaseCommand):
    help = (
        "Restores all rows and files from a backup of `manage.py backup`, into the database and the storage that the "
        "settings name. Checks the whole backup first. Stop web server and workers before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the backup")
        parser.add_argument(
            "--replace", action="store_true", help="replace all that is in a database that is not empty"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with tqdm(desc="checked and stored", unit="B", unit_scale=True, disable=None) as bar:
                manifest = restore(path, replace=options["replace"], on_bytes=bar.update)
        except (BackupError, SegmentationError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        rows = sum(part.count for part in manifest.rows.values())
        self.stdout.write(
            f"{rows} rows and {manifest.files.count} files are back, as of {manifest.created} (release "
            f"{manifest.release}). People sign in again; runs that were running wait again."
        )
