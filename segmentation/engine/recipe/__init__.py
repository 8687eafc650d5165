"""The parameters of a segmentation: `Recipe` (the method) and `Inputs` (what belongs to one picture).

They are frozen, validated dataclasses that convert to and from JSON with a schema number. Standard library only.
"""

from segmentation.engine.recipe.fields import AUTO, SETTING_NAMES
from segmentation.engine.recipe.inputs import INPUTS_SCHEMA, Inputs, reconcile
from segmentation.engine.recipe.method import (
    MAX_CLUSTERS,
    MAX_REGIONS,
    MAX_SEED,
    MIN_CLUSTERS,
    SCHEMA,
    Covariance,
    Features,
    Preset,
    Recipe,
)
from segmentation.engine.recipe.reading import Alpha, Reading, Selection
from segmentation.engine.recipe.starting_mixture import BandUnits, StartingMixture

__all__ = [
    "AUTO",
    "INPUTS_SCHEMA",
    "MAX_CLUSTERS",
    "MAX_REGIONS",
    "MAX_SEED",
    "MIN_CLUSTERS",
    "SCHEMA",
    "SETTING_NAMES",
    "Alpha",
    "BandUnits",
    "Covariance",
    "Features",
    "Inputs",
    "Preset",
    "Reading",
    "Recipe",
    "Selection",
    "StartingMixture",
    "reconcile",
]
