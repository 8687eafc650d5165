"""`manage.py segment` segments picture files and writes a folder of results for each. It needs no database.

Each picture is decoded and fitted in a child process of its own, as in the worker, so that a picture that crashes the decoder or
exceeds a limit of time or memory does not affect the others.
"""

import functools
import json
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is first imported; a process with threads must not fork

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from segmentation import formatting
from segmentation.engine import decoder, pipeline, progress
from segmentation.engine.artefacts import ARTEFACTS, Artefact, Source
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.imaging import Limits
from segmentation.engine.progress import Stage
from segmentation.engine.recipe import AUTO, SETTING_NAMES, Inputs, Preset, Recipe, StartingMixture, reconcile
from segmentation.engine.sandbox import Allowance, Child, ChildLost, Report

_DOCUMENT = ARTEFACTS["document"]  # run.json, which is made last because it lists the other files
_STANDARD = tuple(name for name, artefact in ARTEFACTS.items() if artefact.is_standard)
_OFFERED = tuple(name for name, artefact in ARTEFACTS.items() if artefact.is_offered)

_POLL_SECONDS = 0.1
_NO_MEMORY = "The computer ran out of memory. Try again with a smaller picture."
_OTHER_FEATURES = "Its run used other features: give its --features, --texture and --position, or the mixture alone."
_BAR = "{desc} {percentage:3.0f}%|{bar}|{postfix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """The results of one picture, as the child process sends them."""

    files: dict[str, bytes]  # by name
    found: str  # number of clusters or regions, as text
    foreground: float  # share of the pixels with data
    seconds: float
    notices: tuple[str, ...]  # sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedOptions:
    """The options that hold for every picture."""

    recipe: Recipe
    inputs: Inputs
    masters: Mapping[str, bytes]  # content of the mask, if there is one, by its SHA-256
    limits: Limits
    exports: tuple[str, ...]  # names of the artefacts to write


class Command(BaseCommand):
    help = (
        "Segments pictures. Writes labels.png, segmented.png, binary.png and run.json, or what --export names, into "
        "DIR/<name without extension>/; results of a former run there are replaced."
    )
    requires_system_checks = ()  # they load the whole web application

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path)
        parser.add_argument(
            "--preset", metavar="NAME", default=Recipe().preset, help="colours (every pixel by itself) or regions"
        )
        parser.add_argument("--clusters", metavar="K", help="how many, 2 to 32 (of regions to 254), or auto")
        parser.add_argument("--output", metavar="DIR", required=True, type=Path, help="made when it does not exist")
        parser.add_argument(
            "--export",
            metavar="NAME",
            action="append",
            choices=_OFFERED,
            help=f"a file to write, instead of the usual ones; again for each further one: {', '.join(_OFFERED)}",
        )
        self._add_recipe_arguments(parser)
        parser.add_argument(
            "--mask", metavar="FILE", type=Path, help="what is not black in it is left out: PNG, TIFF, BMP, GIF"
        )
        parser.add_argument(
            "--begin", metavar="FILE", type=Path, help="go on from a run.json, or from a mixture as in one"
        )

    @staticmethod
    def _add_recipe_arguments(parser: CommandParser) -> None:
        """Add the settings of the recipe, except for preset and number of clusters."""
        default = Recipe()
        parser.add_argument(
            "--features",
            metavar="SPACE",
            default=default.features,
            help="rgb (the bands as they are, in full depth), lab, gray or od (stains)",
        )
        parser.add_argument(
            "--texture", metavar="SCALES", nargs="?", const=1, default=0, help="local contrast counts: 1 or 2 scales"
        )
        parser.add_argument("--position", action="store_true", help="the place in the picture counts, too")
        parser.add_argument(
            "--smoothness", metavar="S", default=str(default.smoothness), help="0 (every pixel by itself) to 1"
        )
        parser.add_argument("--smallest-region", metavar="SHARE", default="0", help="smaller ones join a neighbour")
        parser.add_argument(
            "--covariance", metavar="SHAPE", default=default.covariance, help="full, tied, diag or spherical"
        )
        parser.add_argument("--seed", metavar="N", default=default.seed, help="of the random choices; default 0")
        parser.add_argument(
            "--restarts", metavar="N", default=default.restarts, help="starts, of which the best is kept"
        )
        parser.add_argument(
            "--tolerance", metavar="T", default=str(default.tolerance), help="nats a pixel at which a fit ends"
        )
        parser.add_argument("--max-iterations", metavar="N", default=default.max_iterations, help="of a fit, at most")
        parser.add_argument("--exact", action="store_true", help="fit all pixels, not a sample")

    def handle(self, *_args: Any, **options: Any) -> None:
        pictures: list[Path] = options["pictures"]
        output: Path = options["output"]
        try:
            recipe, start = _recipe(options)
        except BadRecipe as error:
            raise CommandError(str(error)) from None
        _require_different_stems(pictures)
        shared = _options(recipe, start, options["mask"], tuple(options["export"] or _STANDARD))
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}.") from None
        try:
            failed = sum(not self._segment(picture, output / picture.stem, shared) for picture in pictures)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Results that were announced are complete.", returncode=130) from None
        if failed:
            raise CommandError(f"{failed} of {len(pictures)} pictures failed.")

    def _segment(self, picture: Path, folder: Path, shared: SharedOptions) -> bool:
        """Segment one picture, and print the outcome; returns whether it succeeded."""
        try:
            _require_replaceable(folder)
            data = _read(picture, shared.limits.bytes)
            done: Segmented = _call_in_child(functools.partial(segmented, data, picture.name, shared), picture.name)
            _publish(done.files, folder)
        except OSError as error:
            self.stderr.write(f"{picture}: {error.strerror}.")
        except SegmentationError as error:
            self.stderr.write(f"{picture}: {error}")
        except ChildLost:
            self.stderr.write(f"{picture}: {_NO_MEMORY}")
        else:
            found = f"{done.found}, {done.foreground:.1%} foreground, {done.seconds:.2f} s"
            self.stdout.write(f"{picture}: {found} -> {folder}")
            for sentence in done.notices:
                self.stdout.write(f"  {sentence}")
            self.stdout.flush()
            return True
        return False


def _recipe(options: dict[str, Any]) -> tuple[Recipe, StartingMixture | None]:
    """Parse the recipe and the start. The preset *colours* needs a number of clusters, unless a mixture is given.

    Raises
    ------
    BadRecipe
        When the options are not valid.
    """
    given = {name: options[name] for name in SETTING_NAMES if name in options}
    if options["clusters"] is not None:
        given["n_clusters"] = options["clusters"]
    elif options["begin"] is not None:
        given["n_clusters"] = AUTO
    elif options["preset"] != Preset.REGIONS:
        raise BadRecipe(template="Say how many clusters: --clusters K.")
    recipe = Recipe.from_mapping(given)
    return recipe, None if options["begin"] is None else _start(options["begin"], recipe)


def _start(path: Path, recipe: Recipe) -> StartingMixture:
    """Read the mixture of a `run.json`, or a file with a mixture alone; errors name the file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise CommandError(f"{path}: It is neither a run.json nor a mixture.")
        is_run = "mixture" in document
        start = (
            StartingMixture.of_result(document["mixture"], document.get("features"))
            if is_run
            else StartingMixture.from_mapping(document)
        )
        inputs = Inputs(mixture=start)
        reconcile(recipe, inputs)
        pipeline.starting_mixture(inputs)
        if "recipe" in document and not Recipe.from_mapping(document["recipe"]).extracts_same_features(recipe):
            raise BadRecipe(template=_OTHER_FEATURES)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise CommandError(f"{path}: It is not JSON.") from None
    except SegmentationError as error:
        raise CommandError(f"{path}: {error}") from None
    return start


def _options(
    recipe: Recipe, start: StartingMixture | None, mask: Path | None, exports: tuple[str, ...]
) -> SharedOptions:
    """Return the options for every picture, with the mask read; errors name its file."""
    limits = Limits(
        bytes=settings.GMM_MAX_UPLOAD_BYTES,
        pixels=settings.GMM_MAX_PIXELS,
        decoded_bytes=settings.GMM_MAX_DECODED_BYTES,
        heic=settings.GMM_HEIC,
    )
    masters = {}
    if mask is not None:
        try:
            with mask.open("rb") as file:
                master = decoder.inspect_mask(file, name=mask.name, limits=limits, allowance=_allowance())
        except OSError as error:
            raise CommandError(f"{mask}: {error.strerror}.") from None
        except SegmentationError as error:
            raise CommandError(f"{mask}: {error}") from None
        masters[master.sha256] = master.data
    inputs = Inputs(mixture=start, mask=next(iter(masters), None))
    return SharedOptions(recipe=recipe, inputs=inputs, masters=masters, limits=limits, exports=exports)


def segmented(data: bytes, name: str, shared: SharedOptions, report: Report) -> Segmented:
    """Segment one picture and make its files. It runs in the child process."""

    def on_progress(stage: Stage, fraction: float) -> None:
        report((stage, progress.percent(stage, fraction)))

    outcome = pipeline.run(
        data,
        name=name,
        recipe=shared.recipe,
        inputs=shared.inputs,
        masters=shared.masters,
        limits=shared.limits,
        decoding=_allowance(),
        on_progress=on_progress,
    )
    decode = functools.partial(decoder.decode, data, name=name, limits=shared.limits, allowance=_allowance())
    files: dict[str, bytes] = {}
    source = pipeline.OutcomeSource(outcome, outputs=files, decode=decode)
    for artefact in sorted(
        (ARTEFACTS[export] for export in shared.exports), key=lambda artefact: artefact is _DOCUMENT
    ):
        files |= _made(artefact, source)
    return Segmented(
        files=files,
        found=formatting.cluster_count(len(outcome.legend.clusters), regions=shared.recipe.preset is Preset.REGIONS),
        foreground=source.foreground_share,
        seconds=sum(outcome.seconds.values()),
        notices=tuple(notice.sentence for notice in outcome.notices),
    )


def _made(artefact: Artefact, source: Source) -> dict[str, bytes]:
    """Return the files of an artefact by their names: one file, or one for each part."""
    if not artefact.available(source):
        raise SegmentationError(
            "invalid_request", "There is no %(name)s of this result: leave out --export %(name)s.", name=artefact.name
        )
    parts = artefact.parts(source) or (None,)
    return {artefact.file_name(part): artefact.make(source, part=part) for part in parts}


def _allowance() -> Allowance:
    return Allowance(memory=settings.GMM_RUN_MEMORY, seconds=settings.GMM_RUN_SECONDS)


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most + 1)  # one byte above the limit, so that a larger file is rejected


def _call_in_child(work: Callable[[Report], Any], name: str) -> Any:
    """Call `work` in a forked child, with a progress bar on terminals; returns or raises what it does."""
    tqdm.monitor_interval = 0  # its monitor is a thread
    with tqdm(total=100, desc=name, disable=None, leave=False, bar_format=_BAR) as bar:
        decoder.ensure_started()
        child = Child.fork(work, allowance=_allowance())
        try:
            while not child.poll():
                _show(bar, child.progress)
                _wait_for(child)
        finally:
            child.kill()  # after Ctrl-C
            while not child.poll():
                _wait_for(child)
    return child.result()


def _wait_for(child: Child) -> None:
    if child.connection is not None:
        wait([child.connection], timeout=_POLL_SECONDS)


def _show(bar: "tqdm[Any]", reported: tuple[Stage, int] | None) -> None:
    if reported is not None:
        stage, percent = reported
        bar.set_postfix_str(stage.value, refresh=False)
        bar.update(percent - bar.n)


def _require_different_stems(pictures: list[Path]) -> None:
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for picture in pictures:
        by_stem[picture.stem].append(picture)
    for stem, namesakes in by_stem.items():
        if len(namesakes) > 1:
            raise CommandError(
                f"{' and '.join(map(str, namesakes))} would both be written to the folder {stem}. "
                "Rename one, or segment them one after the other with different --output folders."
            )


def _require_replaceable(folder: Path) -> None:
    """Require that a folder does not exist, or contains only files that an earlier run has written."""
    if not os.path.lexists(folder):
        return
    is_ours = folder.is_dir() and not folder.is_symlink()
    if not is_ours or not all(_is_output(entry.name) for entry in folder.iterdir()):
        raise SegmentationError(
            "invalid_request",
            "%(folder)s exists and holds something else than results. Move it away, or choose another --output.",
            folder=str(folder),
        )


def _is_output(name: str) -> bool:
    """Return whether a run can write a file of this name."""
    return any(re.search(artefact.file_pattern, name) for artefact in ARTEFACTS.values())


def _publish(files: Mapping[str, bytes], folder: Path) -> None:
    """Replace `folder` by a new one with these files, so that it never contains a mix of old and new results."""
    with tempfile.TemporaryDirectory(prefix=".segment-", dir=folder.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        for name, data in files.items():
            (new / name).write_bytes(data)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
