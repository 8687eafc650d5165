"""`manage.py sweepfiles` deletes files that belong to no row, and reports those that are missing or altered."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation import upkeep
from segmentation.engine.exceptions import SegmentationError
from segmentation.upkeep import SweepReport


class Command(BaseCommand):
    help = (
        "Deletes files older than a day that belong to no row, and checks that all others exist. "
        "Workers do the same once a day. The exit code is not 0 when files are missing or altered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="remove nothing; say what would be removed")
        parser.add_argument(
            "--verify", action="store_true", help="read all masters and compare their SHA-256; takes time"
        )
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            report = upkeep.sweep_files(verify=options["verify"], dry_run=options["dry_run"])
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.to_mapping(), indent=2))
        else:
            self._say(report, dry_run=options["dry_run"])
        if not report.is_sound:
            raise CommandError("Files are missing or altered. Bring them back from a backup: manage.py restore --help")

    def _say(self, report: SweepReport, *, dry_run: bool) -> None:
        lists = {
            "would be removed" if dry_run else "removed": report.removed,
            "missing": report.missing,
            "altered": report.altered,
            "unknown, left alone": report.unknown,
        }
        for what, keys in lists.items():
            for key in keys.named:
                self.stdout.write(f"{what}: {key}")
            if keys.count > len(keys.named):
                self.stdout.write(f"{what}: and {keys.count - len(keys.named)} more")
        self.stdout.write(str(report))
