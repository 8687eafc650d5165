"""The inputs of a segmentation that belong to one picture: a starting mixture, a mask, and how the file is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from segmentation.engine.exceptions import BadRecipe, gettext_noop
from segmentation.engine.recipe.fields import AUTO, IntegerField, invalid_setting
from segmentation.engine.recipe.method import MIN_CLUSTERS, Preset, Recipe
from segmentation.engine.recipe.reading import Reading
from segmentation.engine.recipe.starting_mixture import StartingMixture, invalid_starting_mixture

INPUTS_SCHEMA = 4
"""The newest schema of inputs. Schema 1 has no inputs, 2 has a mixture without units and a mask, 3 has units, 4 has a
reading. The number is increased with every new field, and with the schema of mixtures."""

_WITHOUT_UNITS, _WITHOUT_READING = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A starting mixture, a mask and the reading of the file, all optional.

    Raises
    ------
    BadRecipe
        When the mask is not a SHA-256.
    """

    mixture: StartingMixture | None = None  # where the fit begins; None: initialised from the picture
    mask: str | None = None  # SHA-256, in lower case, of a PNG; pixels that are not black in it are left out
    reading: Reading = Reading()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        if self.mask is not None and not re.fullmatch("[0-9a-f]{64}", str(self.mask)):
            raise invalid_setting("mask", gettext_noop("The mask must be named by its SHA-256, 64 hexadecimal digits."))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object; a field that is null or missing means no such input.

        Raises
        ------
        BadRecipe
            For an unknown field, a newer schema, or an invalid mixture or mask.
        """
        given = dict(mapping)
        schema = IntegerField(1, 2**31).parse("schema", given.pop("schema", INPUTS_SCHEMA))
        if schema > INPUTS_SCHEMA:
            raise BadRecipe(
                template=gettext_noop("These inputs were written by a newer release (schema %(schema)s)."),
                schema=schema,
            )
        if unknown := sorted(set(given) - {"mixture", "mask", "reading"}):
            raise BadRecipe(template=gettext_noop("“%(field)s” is not a known input."), field=str(unknown[0])[:100])
        mixture = given.get("mixture")
        return cls(
            mixture=None if mixture is None else StartingMixture.from_mapping(mixture),
            mask=given.get("mask"),
            reading=Reading.from_mapping(given.get("reading") or {}),
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the inputs as a JSON object with their schema number; `from_mapping` is its inverse.

        The schema is the oldest that has the fields in use, so that workers of older releases can process these runs.
        """
        if self == type(self)():
            return {"schema": 1}
        mixture = None if self.mixture is None else self.mixture.to_mapping()
        if self.reading != Reading():
            reading = self.reading.to_mapping()
            return {"schema": INPUTS_SCHEMA, "mixture": mixture, "mask": self.mask, "reading": reading}
        schema = _WITHOUT_UNITS if self.mixture is None or self.mixture.units is None else _WITHOUT_READING
        return {"schema": schema, "mixture": mixture, "mask": self.mask}


def reconcile(recipe: Recipe, inputs: Inputs) -> Recipe:
    """Return the recipe with the number of clusters of the starting mixture, if there is one.

    Raises
    ------
    BadRecipe
        When the recipe has another number of clusters, or the preset *Regions*, which takes no starting mixture.
    """
    if inputs.mixture is None:
        return recipe
    if recipe.preset is Preset.REGIONS:
        raise invalid_starting_mixture(
            gettext_noop(
                "The preset Regions takes no starting mixture: choose Colours, or remove the starting mixture."
            )
        )
    count = len(inputs.mixture.weights)
    if recipe.n_clusters not in {None, count}:
        raise invalid_starting_mixture(
            gettext_noop(
                "The starting mixture has %(given)s clusters, not %(wanted)s: ask for %(given)s, or for auto."
            ),
            given=count,
            wanted=recipe.n_clusters or AUTO,
        )
    return replace(recipe, n_clusters=count) if count >= MIN_CLUSTERS else recipe
