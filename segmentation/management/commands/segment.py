"""`manage.py segment`: pictures in, folders of label maps out. Needs no database and no account.

Every picture is decoded and fitted in a child process of its own, as by the worker: one that crashes its decoder, or that
takes too long or too much memory, fails alone.
"""

import functools
import os
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is first imported; a process with threads must not fork

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation import formatting
from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.sandbox import ChildLost
from segmentation.management.segment.child import Segmented, run_in_child, segmented
from segmentation.management.segment.folders import publish, read_picture, require_different_stems, require_replaceable
from segmentation.management.segment.reading import add_reading
from segmentation.management.segment.task import Task, parse_task

_STANDARD = tuple(name for name, artefact in ARTEFACTS.items() if artefact.is_standard)
_OFFERED = tuple(name for name, artefact in ARTEFACTS.items() if artefact.is_offered)

_NO_MEMORY = "The computer ran out of memory. Try again with a smaller picture."


class Command(BaseCommand):
    help = (
        "Segments pictures. Writes labels.png, segmented.png, binary.png and run.json, or what --export names, into "
        "DIR/<name without extension>/; results of a former run there are replaced."
    )
    requires_system_checks = ()  # they load the whole web application

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path)
        parser.add_argument("--output", metavar="DIR", required=True, type=Path, help="made when it does not exist")
        parser.add_argument(
            "--export",
            metavar="NAME",
            action="append",
            choices=_OFFERED,
            help=f"a file to write, instead of the usual ones; again for each further one: {', '.join(_OFFERED)}",
        )
        parser.add_argument(
            "--mask", metavar="FILE", type=Path, help="what is not black in it is left out: PNG, TIFF, BMP, GIF"
        )
        parser.add_argument(
            "--begin", metavar="FILE", type=Path, help="go on from a run.json, or from a mixture as in one"
        )
        parser.add_argument(
            "--model",
            metavar="FILE",
            type=Path,
            help="fit nothing: label the pictures with the clusters of a run.json of the preset colours or areas, by its settings",
        )
        _add_recipe(parser)
        add_reading(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        pictures: list[Path] = options["pictures"]
        output: Path = options["output"]
        require_different_stems(pictures)
        task = parse_task(options, tuple(options["export"] or _STANDARD))
        for warning in task.warnings:
            self.stderr.write(warning)
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}.") from None
        try:
            failed = sum(not self._segment(picture, output / picture.stem, task) for picture in pictures)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Results that were announced are complete.", returncode=130) from None
        if failed:
            raise CommandError(f"{failed} of {len(pictures)} pictures failed.")

    def _segment(self, picture: Path, folder: Path, task: Task) -> bool:
        """Segment one picture and say how it went; returns whether it went well."""
        try:
            require_replaceable(folder)
            data = read_picture(picture, task.limits.bytes)
            done: Segmented = run_in_child(functools.partial(segmented, data, picture.name, task), picture.name)
            publish(done.files, folder)
        except OSError as error:
            self.stderr.write(f"{picture}: {error.strerror}.")
        except SegmentationError as error:
            self.stderr.write(f"{picture}: {error}")
        except ChildLost:
            self.stderr.write(f"{picture}: {_NO_MEMORY}")
        else:
            found = (
                f"{done.found}, {formatting.percent(done.foreground)} foreground, {formatting.duration(done.seconds)}"
            )
            self.stdout.write(f"{picture}: {found} -> {folder}")
            for sentence in done.notices:
                self.stdout.write(f"  {sentence}")
            self.stdout.flush()
            return True
        return False


def _add_recipe(parser: CommandParser) -> None:
    """Add the options of a recipe; what is not given is None, and has the recipe's own default."""
    add = parser.add_argument
    add(
        "--preset",
        metavar="NAME",
        help="colours (every pixel by itself, the default), areas (pixels on borders are shared) or regions",
    )
    add("--clusters", metavar="K", help="how many, 2 to 32 (of regions to 254), or auto")
    add("--features", metavar="SPACE", help="rgb (the bands as they are, in full depth), lab, gray or od (stains)")
    add("--texture", metavar="SCALES", nargs="?", const=1, help="local contrast counts: 1 or 2 scales")
    add("--position", action="store_true", default=None, help="the place in the picture counts, too")
    add("--smoothness", metavar="S", help="0 (every pixel by itself) to 1")
    add("--smallest-region", metavar="SHARE", help="smaller ones join a neighbour")
    add(
        "--covariance",
        metavar="SHAPE",
        help="full, tied, diag, spherical or mixed; with the preset areas, mixed instead of full",
    )
    add("--seed", metavar="N", help="of the random choices; default 0")
    add("--restarts", metavar="N", help="starts, of which the best is kept")
    add("--tolerance", metavar="T", help="nats a pixel at which a fit ends")
    add("--max-iterations", metavar="N", help="of a fit, at most")
    add("--exact", action="store_true", default=None, help="fit all pixels, not a sample")
