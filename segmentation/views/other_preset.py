"""The preset that the page of a finished run offers instead of its own."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from segmentation import services
from segmentation.engine.recipe import MIN_CLUSTERS
from segmentation.forms import recipe_fields
from segmentation.models import Run

_OTHER_PRESET = {"looks_like_materials": "areas", "looks_like_photograph": "colours"}
"""The preset that suits a picture better, by the code of the hint that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPreset:
    """A run with another preset that one click starts."""

    sentence: str
    button: str
    fields: dict[str, str]  # of the form: the settings of the run with the other preset and the same number of clusters


def other_preset(run: Run, *, n_components: int) -> OtherPreset | None:
    """Return the preset that suits the picture better, or None if nothing speaks for another."""
    hint = next((hint for hint in services.hint_sentences(run=run) if hint.code in _OTHER_PRESET), None)
    if hint is None:
        return None
    preset = _OTHER_PRESET[hint.code]
    count = run.n_clusters or n_components
    fields = recipe_fields(run.recipe) | {
        "preset": preset,
        "n_clusters": str(count) if count >= MIN_CLUSTERS else "auto",
    }
    fields.pop("covariance", None)  # that of the other preset
    button = _("Run with Areas") if preset == "areas" else _("Run with Colours")
    return OtherPreset(sentence=hint.sentence, button=button, fields=fields)
