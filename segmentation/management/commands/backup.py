"""`manage.py backup` writes the database and all stored files to one file, while the site runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from segmentation import formatting
from segmentation.backup import write
from segmentation.engine.exceptions import SegmentationError


class Command(BaseCommand):
    help = (
        "Writes all rows and files of the site to one file, consistent while the site runs. "
        "It holds everybody's pictures: keep it private. The secret key and the settings are not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the backup; an existing file is replaced")

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with tqdm(desc="files", unit="B", unit_scale=True, disable=None) as bar:
                written = write(path, on_bytes=bar.update)
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{path} was not written: {error}") from error
        manifest = written.manifest
        rows = sum(part.count for part in manifest.rows.values())
        self.stdout.write(
            f"{path}: {rows} rows and {manifest.files.count} files, {formatting.filesize(path.stat().st_size)}."
        )
        if written.missing.count:
            raise CommandError(
                f"The backup is written, but {written.missing.count} files that should be there are missing from the "
                "storage. See which: python manage.py sweepfiles"
            )
