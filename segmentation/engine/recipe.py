"""What decides a result: `Recipe` (the method) and `Inputs` (what belongs to one picture).

Frozen, validated values with JSON both ways and a schema number. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from segmentation.engine.exceptions import BadRecipe, gettext_noop

SCHEMA = 1
"""The newest recipe schema that this release understands."""

MIN_CLUSTERS, MAX_CLUSTERS = 2, 32
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every parameter of the method.

    Raises
    ------
    BadRecipe
        When a value is not a whole number or is out of its range.
    """

    n_clusters: int = 3  # 2 to 32; cut to the number of distinct colours when fitting
    seed: int = 0  # 0 to 2^32 - 1; decides the sample and the starts

    def __post_init__(self) -> None:
        _require_whole("n_clusters", self.n_clusters, MIN_CLUSTERS, MAX_CLUSTERS)
        _require_whole("seed", self.seed, 0, MAX_SEED)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object or the fields of a form; numbers may be given as text.

        Raises
        ------
        BadRecipe
            For an unknown field, a newer schema, a value that is no whole number or one out of range.
        """
        given = dict(mapping)
        schema = _whole("schema", given.pop("schema", SCHEMA))
        if schema > SCHEMA:
            raise BadRecipe(
                template=gettext_noop("This recipe was written by a newer release (schema %(schema)s)."), schema=schema
            )
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise BadRecipe(
                template=gettext_noop("“%(field)s” is not a setting of a recipe."), field=str(unknown[0])[:100]
            )
        return cls(**{name: _whole(name, value) for name, value in given.items()})

    def to_mapping(self) -> dict[str, Any]:
        """The recipe as a JSON object with its schema number; `from_mapping` is its inverse."""
        return {"schema": SCHEMA, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What decides a result beside the recipe and belongs to one picture; this release takes nothing."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object.

        Raises
        ------
        BadRecipe
            For an unknown field.
        """
        if unknown := sorted(set(mapping) - {"schema"}):
            raise BadRecipe(template=gettext_noop("“%(field)s” is not a known input."), field=str(unknown[0])[:100])
        return cls()

    def to_mapping(self) -> dict[str, Any]:
        """The inputs as a JSON object with their schema number."""
        return {"schema": SCHEMA}


_NAMES = {"n_clusters": gettext_noop("The number of clusters"), "seed": gettext_noop("The seed")}


def _whole(field: str, value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 20:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRecipe(
            template=gettext_noop("%(name)s must be a whole number."), name=_NAMES.get(field, field), field=field
        )
    return value


def _require_whole(field: str, value: object, low: int, high: int) -> None:
    if not low <= _whole(field, value) <= high:
        raise BadRecipe(
            template=gettext_noop("%(name)s must be between %(low)s and %(high)s."),
            name=_NAMES[field],
            field=field,
            low=low,
            high=high,
        )
