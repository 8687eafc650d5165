"""Parse what is asked for on the command line: a recipe or a fitted model, a starting mixture and a mask."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from segmentation import formatting
from segmentation.engine import decoder, pipeline
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.imaging import Limits, MaskMaster
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.model import FittedModel
from segmentation.engine.recipe import AUTO, SETTING_NAMES, Inputs, Preset, Recipe, StartingMixture, reconcile
from segmentation.engine.sandbox import Allowance
from segmentation.management.segment.reading import parse_page, parse_pixel_size, parse_reading

_OTHER_FEATURES = (
    "Its run looked at pixels in another way: give its --features, --texture and --position, or the mixture alone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done with every picture."""

    recipe: Recipe
    inputs: Inputs
    model: FittedModel | None  # to label with; None: one is fitted to each picture
    masters: Mapping[str, bytes]  # the mask, if there is one, by its hash
    limits: Limits
    exports: tuple[str, ...]  # names of the artefacts that are written
    page: int | None = None  # of each file, from 1; None: the first
    pixel_size: PixelSize | None = None  # that a person has given; None: as the files say
    warnings: tuple[str, ...] = ()  # sentences about the options


def parse_task(options: Mapping[str, Any], exports: tuple[str, ...]) -> Task:
    """Parse the options of the command.

    Raises
    ------
    CommandError
        When they make no sense; what is wrong with a file names it.
    """
    limits = Limits(
        bytes=settings.GMM_MAX_UPLOAD_BYTES,
        pixels=settings.GMM_MAX_PIXELS,
        decoded_bytes=settings.GMM_MAX_DECODED_BYTES,
        heic=settings.GMM_HEIC,
    )
    model = None if options["model"] is None else _model(options["model"], options)
    recipe = _recipe(options) if model is None else model.recipe
    start = None if options["begin"] is None else _start(options["begin"], recipe)
    mask = None if options["mask"] is None else _mask(options["mask"], limits)
    inputs = Inputs(mixture=start, mask=None if mask is None else mask.sha256, reading=parse_reading(options))
    return Task(
        recipe=recipe,
        inputs=inputs,
        model=model,
        masters={} if mask is None else {mask.sha256: mask.data},
        limits=limits,
        exports=exports,
        page=parse_page(options),
        pixel_size=parse_pixel_size(options),
        warnings=() if mask is None else tuple(_warnings(options["mask"], mask)),
    )


def allowance() -> Allowance:
    """Return what the child process of a picture, and its decoder, may take."""
    return Allowance(memory=settings.GMM_RUN_MEMORY, seconds=settings.GMM_RUN_SECONDS)


def _recipe(options: Mapping[str, Any]) -> Recipe:
    """Parse the recipe; of colours, the number of clusters has no default, unless a starting mixture gives it."""
    given = {name: options[_option(name)] for name in _given(options)}
    if "n_clusters" not in given and options["begin"] is not None:
        given["n_clusters"] = AUTO
    try:
        if "n_clusters" not in given and given.get("preset") != Preset.REGIONS:
            raise BadRecipe(template="Say how many clusters: --clusters K.")
        return Recipe.from_mapping(given)
    except BadRecipe as error:
        raise CommandError(str(error)) from None


def _model(path: Path, options: Mapping[str, Any]) -> FittedModel:
    """Read the model in a `run.json`; its recipe takes the place of all options for one."""
    names = [*_given(options), *(["begin"] if options["begin"] is not None else [])]
    if names:
        refused = ", ".join(f"--{_option(name).replace('_', '-')}" for name in names)
        raise CommandError(f"--model brings the settings of its run: leave out {refused}.")
    with _named(path):
        return FittedModel.from_mapping(_read_json(path))


def _start(path: Path, recipe: Recipe) -> StartingMixture:
    """Read the mixture of a `run.json`, or one that stands alone in its file."""
    with _named(path):
        document = _read_json(path)
        if not isinstance(document, dict):
            raise CommandError(f"{path}: It is neither a run.json nor a mixture.")
        model = FittedModel.from_mapping(document) if "mixture" in document else None
        start = StartingMixture.from_mapping(document) if model is None else model.starting_mixture
        inputs = Inputs(mixture=start)
        reconcile(recipe, inputs)
        pipeline.starting_mixture(inputs)
        if model is not None and not model.recipe.extracts_same_features(recipe):
            raise BadRecipe(template=_OTHER_FEATURES)
    return start


def _mask(path: Path, limits: Limits) -> MaskMaster:
    with _named(path), path.open("rb") as file:
        return decoder.inspect_mask(file, name=path.name, limits=limits, allowance=allowance())


def _warnings(path: Path, mask: MaskMaster) -> Iterator[str]:
    """Yield a sentence about a mask that leaves out nothing or more than half."""
    if mask.is_unusual and mask.left_out:
        share = formatting.percent(mask.share)
        yield f"{path}: The mask leaves out {share} of the picture: what is not black in it is left out."
    elif mask.is_unusual:
        yield f"{path}: The mask leaves out nothing: all of it is black, and what is black in a mask is kept."


def _given(options: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that were given."""
    return [name for name in SETTING_NAMES if options[_option(name)] is not None]


def _option(setting: str) -> str:
    return "clusters" if setting == "n_clusters" else setting


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise CommandError(f"{path}: It is not JSON.") from None


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file is wrong."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    except SegmentationError as error:
        raise CommandError(f"{path}: {error}") from None
