"""Parse what is asked for on the command line: a recipe, a starting mixture and a mask."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from segmentation.engine import decoder, pipeline
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.imaging import Limits
from segmentation.engine.model import FittedModel
from segmentation.engine.recipe import AUTO, SETTING_NAMES, Inputs, Preset, Recipe, StartingMixture, reconcile
from segmentation.engine.sandbox import Allowance

_OTHER_FEATURES = (
    "Its run looked at pixels in another way: give its --features, --texture and --position, or the mixture alone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done with every picture."""

    recipe: Recipe
    inputs: Inputs
    masters: Mapping[str, bytes]  # the mask, if there is one, by its hash
    limits: Limits
    exports: tuple[str, ...]  # names of the artefacts that are written


def parse_recipe(options: dict[str, Any]) -> tuple[Recipe, StartingMixture | None]:
    """Parse what was asked for; of colours, the number has no default, unless a mixture says it.

    Raises
    ------
    BadRecipe
        When it makes no sense.
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
    """The mixture of a `run.json`, or one that stands alone in its file; what is wrong with it names the file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise CommandError(f"{path}: It is neither a run.json nor a mixture.")
        if "mixture" in document:
            model = FittedModel.from_mapping(document)
            start = model.starting_mixture
        else:
            model, start = None, StartingMixture.from_mapping(document)
        inputs = Inputs(mixture=start)
        reconcile(recipe, inputs)
        pipeline.starting_mixture(inputs)
        if model is not None and not model.recipe.extracts_same_features(recipe):
            raise BadRecipe(template=_OTHER_FEATURES)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    except ValueError:
        raise CommandError(f"{path}: It is not JSON.") from None
    except SegmentationError as error:
        raise CommandError(f"{path}: {error}") from None
    return start


def make_task(recipe: Recipe, start: StartingMixture | None, mask: Path | None, exports: tuple[str, ...]) -> Task:
    """Bring together what is to be done; what is wrong with the mask names its file."""
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
                master = decoder.inspect_mask(file, name=mask.name, limits=limits, allowance=allowance())
        except OSError as error:
            raise CommandError(f"{mask}: {error.strerror}.") from None
        except SegmentationError as error:
            raise CommandError(f"{mask}: {error}") from None
        masters[master.sha256] = master.data
    inputs = Inputs(mixture=start, mask=next(iter(masters), None))
    return Task(recipe=recipe, inputs=inputs, masters=masters, limits=limits, exports=exports)


def allowance() -> Allowance:
    return Allowance(memory=settings.GMM_RUN_MEMORY, seconds=settings.GMM_RUN_SECONDS)
