"""What decides a result: `Recipe` (the method) and `Inputs` (what belongs to one picture).

Frozen, validated values with JSON both ways and a schema number. Standard library only.
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
    "BandUnits",
    "Covariance",
    "Features",
    "Inputs",
    "Preset",
    "Recipe",
    "StartingMixture",
    "reconcile",
]
