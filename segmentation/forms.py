"""Forms of the pages. A recipe itself is parsed by `Recipe.from_mapping` only."""

import math
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation import formatting
from segmentation.engine import recipe as recipes
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.recipe import Recipe
from segmentation.models import Run


def sentence(error: SegmentationError) -> str:
    """Return the message of an error in the language of the request."""
    values = dict(error.values)
    if isinstance(error, BadRecipe) and isinstance(values.get("name"), str):
        values["name"] = _(str(values["name"]))  # the engine gives the name in English
    return _(error.template) % values


def recipe_fields(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return a recipe, as a mapping, as form fields. Settings that are off are omitted, as a check box is."""
    fields = {name: _field_text(recipe[name]) for name in recipes.SETTING_NAMES if name in recipe}
    return {name: text for name, text in fields.items() if text}


class RecipeForm(forms.Form):
    """Settings of a run; `recipe` holds the parsed recipe once the form is valid.

    Its fields are the settings of `Recipe`, as text, and `auto`, a check box that lets the engine choose the number of
    clusters. An empty or missing field takes its default. The mapping of a recipe can also be used as data.
    """

    recipe: Recipe

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("auto", *recipes.SETTING_NAMES):
            self.fields[name] = forms.CharField(required=False, max_length=40)

    def clean(self) -> dict[str, Any]:
        """Parse the recipe, and add an error to the field that is invalid."""
        if self.errors:
            return self.cleaned_data
        try:
            self.recipe = Recipe.from_mapping(self._given())
        except BadRecipe as error:
            field = str(error.values.get("field", ""))
            self.add_error(
                field if field in self.fields else None, forms.ValidationError(sentence(error), code=error.code)
            )
        return self.cleaned_data

    @property
    def shown(self) -> dict[str, str]:
        """Value to show in each field: the submitted one, or else the default."""
        default = {name: _field_text(value) for name, value in Recipe().to_mapping().items()}
        given = {name: _field_text(self.data[name]).strip() for name in default if name in self.data}
        shown = default | {name: value for name, value in given.items() if value}
        if shown["preset"] == recipes.Preset.AREAS and shown["covariance"] == recipes.Covariance.MIXED:
            shown["covariance"] = default["covariance"]  # which means `mixed` with the preset Areas
        return shown

    @property
    def auto_shown(self) -> bool:
        """Whether the engine chooses the number of clusters."""
        return bool(self.data.get("auto")) or self.shown["n_clusters"].lower() == recipes.AUTO

    @property
    def n_clusters_shown(self) -> int:
        """Number to show in the field: the submitted one if it is a number, or else the default."""
        given = self.shown["n_clusters"]
        if given.isdecimal() and len(given) <= _MOST_DIGITS_OF_A_NUMBER:
            return int(given)  # also a number out of range, which is shown with its error message
        return Recipe().n_clusters or recipes.MIN_CLUSTERS

    @property
    def smallest_region_choices(self) -> list[tuple[str, str]]:
        """Offered values for the smallest region with their labels; they include the submitted value."""
        shown = self.shown["smallest_region"]
        offered = [(value, _share(value)) for value in _SMALLEST_REGIONS]
        return offered if shown in _SMALLEST_REGIONS else [*offered, (shown, _share(shown))]

    @property
    def opened(self) -> bool:
        """Whether a setting below "More options" differs from its default and must be shown."""
        defaults = Recipe().to_mapping()
        return any(self.shown[name] != _field_text(defaults[name]) for name in defaults if name not in _ALWAYS_SHOWN)

    @property
    def problem(self) -> str:
        """First error message, or an empty text."""
        return next((str(errors[0]) for errors in self.errors.values()), "")

    def _given(self) -> dict[str, str]:
        given = {name: text for name in recipes.SETTING_NAMES if (text := self.cleaned_data[name].strip())}
        return given | ({"n_clusters": recipes.AUTO} if self.cleaned_data["auto"] else {})


_SMALLEST_REGIONS = ("0", "0.0001", "0.001", "0.01")
_MOST_DIGITS_OF_A_NUMBER = 20
_ALWAYS_SHOWN = {"schema", "preset", "n_clusters"}
_SHOWN_AT_FIELD = {"mask_file", "mask", "begin", "smoothness", "seed", "restarts", "max_iterations", "tolerance"}


def _share(given: str) -> str:
    """Return the label of a smallest region; text that is not a finite number is returned unchanged."""
    try:
        share = float(given)
    except ValueError:
        return given
    if not math.isfinite(share):
        return given
    return formatting.share_of_picture(share) if share else _("Keep all regions")


def _field_text(value: object) -> str:
    """Return the value of a setting as the text of its form field; a check box that is off has none."""
    if isinstance(value, bool):
        return "on" if value else ""
    return formatting.exact_number(value) if isinstance(value, float) else str(value)


class UploadForm(RecipeForm):
    """Picture and the settings of its first run. `services.upload_image` checks the file."""

    image = forms.FileField(allow_empty_file=True, error_messages={"required": gettext_lazy("No picture was chosen.")})


class RunForm(RecipeForm):
    """Settings of a new run of an image, with the run that it starts from and its mask.

    Parameters
    ----------
    starts : QuerySet of Run
        The runs that it may start from.
    """

    mask = forms.CharField(required=False, max_length=64)  # SHA-256 of a stored mask
    mask_file = forms.FileField(required=False, allow_empty_file=True)

    def __init__(self, *args: Any, starts: QuerySet[Run], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gone = gettext_lazy(
            "A run can only start from a finished run of the same picture with the preset Colours or Areas. Choose another one."
        )
        self.fields["begin"] = forms.ModelChoiceField(starts, required=False, error_messages={"invalid_choice": gone})
        self.chosen_mask = str(self.data.get("mask", "")).strip()

    @property
    def begin_shown(self) -> str:
        """Submitted id of the run to start from."""
        return str(self.data.get("begin", ""))

    @property
    def opened(self) -> bool:
        """Whether a setting below "More options" differs from its default and must be shown."""
        return super().opened or bool(self.begin_shown)

    @property
    def mask_problem(self) -> str:
        """Error message of the mask, or an empty text."""
        return next((str(self.errors[name][0]) for name in ("mask_file", "mask") if name in self.errors), "")

    @property
    def begin_problem(self) -> str:
        """Error message of the run to start from, or an empty text."""
        return str(self.errors["begin"][0]) if "begin" in self.errors else ""

    @property
    def problem(self) -> str:
        """First error message that is not shown beside a field, or an empty text."""
        return next((str(errors[0]) for name, errors in self.errors.items() if name not in _SHOWN_AT_FIELD), "")

    def add_domain_error(self, error: SegmentationError) -> bool:
        """Add the error of a service to the field that it concerns; return False if it concerns no field."""
        field = {"mixture": "begin"}.get(str(error.values.get("field", "")), str(error.values.get("field", "")))
        if field not in self.fields:
            return False
        self.add_error(field, forms.ValidationError(sentence(error), code=error.code))
        return True


class LegendForm(forms.Form):
    """Check boxes of the table of clusters, as a page without JavaScript sends them."""

    revision = forms.IntegerField(min_value=0)

    def __init__(self, *args: Any, n_clusters: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._n_clusters = n_clusters
        choices = [(index, index) for index in range(n_clusters)]
        self.fields["foreground"] = forms.TypedMultipleChoiceField(choices=choices, coerce=int, required=False)

    @property
    def chosen(self) -> dict[int, bool]:
        """Whether each cluster belongs to the foreground. The form must be valid."""
        on = set(self.cleaned_data["foreground"])
        return {index: index in on for index in range(self._n_clusters)}


class MergeForm(forms.Form):
    """Indices of two clusters to merge, and the revision that the page shows."""

    revision = forms.IntegerField(min_value=0)
    into = forms.IntegerField(min_value=0)
    other = forms.IntegerField(min_value=0)


class UndoForm(forms.Form):
    """Revision that the page shows."""

    revision = forms.IntegerField(min_value=0)
