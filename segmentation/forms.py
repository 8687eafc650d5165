"""Forms of the pages. A recipe itself is parsed by `Recipe.from_mapping` only."""

import math
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation import formatting, services
from segmentation.engine import recipe as recipes
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.imaging import MaskMaster
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.recipe import Reading, Recipe
from segmentation.formatting import exact_number
from segmentation.models import Image, Run


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
    mask_asked = forms.CharField(required=False, max_length=64)  # SHA-256 of a mask that must be confirmed
    mask_confirmed = forms.CharField(required=False, max_length=64)  # SHA-256 of the mask, of a check box

    def __init__(self, *args: Any, starts: QuerySet[Run], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gone = gettext_lazy(
            "A run can only start from a finished run of the same picture with the preset Colours or Areas. Choose another one."
        )
        self.fields["begin"] = forms.ModelChoiceField(starts, required=False, error_messages={"invalid_choice": gone})
        self.chosen_mask = str(self.data.get("mask", "")).strip()
        self.questionable_mask = ""  # SHA-256 of the chosen mask while it must be confirmed

    def set_mask(self, mask: MaskMaster) -> None:
        """Choose a mask that was uploaded with the form; an unusual one must be confirmed."""
        self.chosen_mask = mask.sha256
        if not mask.is_unusual:
            return
        question = (
            _("It leaves out %(share)s of the picture, more than half: what is not black in a mask is left out.")
            if mask.left_out
            else _("It leaves out nothing: all of it is black, and what is black in a mask is kept.")
        )
        self._ask(question % {"share": formatting.percent(mask.share)})

    def require_confirmed_mask(self) -> None:
        """Ask again for a mask that the page has asked about, unless it is confirmed or another one is chosen."""
        asked = str(self.data.get("mask_asked", ""))
        if asked and self.chosen_mask == asked != str(self.data.get("mask_confirmed", "")):
            self._ask(_("Confirm that this mask is meant as it is, or choose another one."))

    def _ask(self, question: str) -> None:
        self.questionable_mask = self.chosen_mask
        self.add_error("mask_file", question)

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


class ReadingForm(forms.Form):
    """How the file of a picture is read: it has the fields that make sense for the file. Numbers begin at 1.

    A field that is empty leaves its matter to the file. Once the form is valid, `reading` and `pixel_size` hold what was given.

    Parameters
    ----------
    image : Image
    """

    reading: Reading
    pixel_size: PixelSize | None

    def __init__(self, *args: Any, image: Image, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._before, self._layout = image.parsed_reading, image.description.layout
        self._is_tiff = image.format == "TIFF"
        self.fields["pixel_size"] = forms.CharField(required=False, max_length=60)
        for axis in self.stack_axes:
            self.fields[axis] = forms.IntegerField(required=False, min_value=1, max_value=10**6)
        if self.n_channels > 1:
            self.fields["channels"] = forms.CharField(required=False, max_length=100)
        self.fields["no_data"] = forms.CharField(required=False, max_length=40)
        if _has_alpha(image):
            self.fields["alpha"] = forms.ChoiceField(choices=_ALPHA_CHOICES, required=False)
        self.initial = _written_reading(image)
        for name, bound in self.fields.items():
            bound.initial = self.initial.get(name)

    @property
    def stack_axes(self) -> list[str]:
        """The axes along which there is something to choose: `series`, `z`, `t`."""
        if self._layout is None:
            return []
        counts = {"series": self._layout.pictures, "z": self._layout.length("Z"), "t": self._layout.length("T")}
        return [name for name, count in counts.items() if count > 1 or getattr(self._before.selection, name) > 0]

    @property
    def n_channels(self) -> int:
        """The number of channels that can be chosen from; 1 for colours and grey, with alpha or without."""
        layout = self._layout
        if layout is None:
            return 1
        has_choice = layout.length("C") > 1 or (self._is_tiff and layout.length("S") > _COLOURS)
        return layout.channels if has_choice or self._before.selection.channels is not None else 1

    @property
    def scope(self) -> str:
        """What can be changed, in a few words."""
        if self.stack_axes or self.n_channels > 1:
            return _("size of a pixel, plane, channels, no data")
        return _("size of a pixel, no data")

    def clean_pixel_size(self) -> PixelSize | None:
        """Parse the size of a pixel."""
        text = self.cleaned_data["pixel_size"].strip()
        try:
            return services.parse_pixel_size(text) if text else None
        except SegmentationError as error:
            raise forms.ValidationError(sentence(error), code=error.code) from None

    def clean_no_data(self) -> float | None:
        """Parse the value of no data, with a decimal point or comma."""
        text = self.cleaned_data["no_data"].strip().replace("\N{MINUS SIGN}", "-").replace(",", ".")
        try:
            return float(text) if text else None
        except ValueError:
            raise forms.ValidationError(_("The value of no data must be a number.")) from None

    def clean_channels(self) -> list[int] | None:
        """Parse the numbers of channels, separated by commas or spaces."""
        parts = self.cleaned_data["channels"].replace(",", " ").split()
        if not all(part.isdecimal() and 0 < len(part) < _MOST_DIGITS_OF_A_NUMBER and int(part) for part in parts):
            raise forms.ValidationError(_("Write the numbers of channels, from 1, separated by commas."))
        return [int(part) - 1 for part in parts] or None

    def clean(self) -> dict[str, Any]:
        """Put the reading together; what is wrong with it stands at its field."""
        if self.errors:
            return self.cleaned_data
        given, before = self.cleaned_data, self._before.to_mapping()
        selection = before["selection"] | {name: (given[name] or 1) - 1 for name in self.stack_axes}
        if "channels" in given:
            selection["channels"] = given["channels"]
        alpha = given["alpha"] or None if "alpha" in given else before["alpha"]
        try:
            self.reading = Reading.from_mapping({"selection": selection, "no_data": given["no_data"], "alpha": alpha})
        except BadRecipe as error:
            self.add_domain_error(error)
        self.pixel_size = given["pixel_size"]
        return self.cleaned_data

    def add_domain_error(self, error: SegmentationError) -> None:
        """Put what the engine or a service refused at the field that it is about, or above the form."""
        field = str(error.values.get("field", ""))
        self.add_error(field if field in self.fields else None, forms.ValidationError(sentence(error), code=error.code))


_COLOURS = 3
_ALPHA_CHOICES = (
    ("", gettext_lazy("As its values suggest")),
    ("transparency", gettext_lazy("Transparency: pixels where it is 0 are left out")),
    ("data", gettext_lazy("A band like the others")),
)
_NOTICES_OF_ALPHA = {"alpha_as_mask", "alpha_over_white"}


def _has_alpha(image: Image) -> bool:
    """Return whether the file has an alpha band, or a person has said what it means."""
    is_decided = image.parsed_reading.alpha is not None
    return is_decided or any(notice["code"] in _NOTICES_OF_ALPHA for notice in image.notices)


def _written_reading(image: Image) -> dict[str, str]:
    """Return what a person has decided about a file as the fields of a form."""
    reading, size = image.parsed_reading, image.pixel_size
    selection, no_data = reading.selection, reading.no_data
    sides = [] if size is None else dict.fromkeys([exact_number(size["width"]), exact_number(size["height"])])
    return {
        "pixel_size": "" if size is None else f"{' x '.join(sides)} {formatting.unit_of_length(size['unit'])}",
        "no_data": "" if no_data is None else exact_number(no_data),
        "alpha": "" if reading.alpha is None else reading.alpha.value,
        "channels": ", ".join(str(channel + 1) for channel in selection.channels or ()),
        **{name: str(getattr(selection, name) + 1) for name in ("series", "z", "t")},
    }


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
