"""Parse what a page sends and explain what is wrong with it. A recipe itself is parsed by `Recipe.from_mapping` only."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.recipe import MAX_CLUSTERS, MIN_CLUSTERS, Recipe


def sentence(error: SegmentationError) -> str:
    """Return an error's sentence in the reader's language."""
    values = dict(error.values)
    if isinstance(error, BadRecipe) and isinstance(values.get("name"), str):
        values["name"] = _(str(values["name"]))  # the name of a setting is the engine's English, too
    return _(error.template) % values


class RecipeForm(forms.Form):
    """The settings of a run; `recipe` holds the parsed recipe once the form is valid."""

    n_clusters = forms.CharField(required=False, max_length=20)

    recipe: Recipe

    def clean_n_clusters(self) -> str:
        """Parse the recipe; an empty field means the default."""
        given: str = self.cleaned_data["n_clusters"].strip()
        try:
            self.recipe = Recipe.from_mapping({"n_clusters": given} if given else {})
        except BadRecipe as error:
            raise forms.ValidationError(sentence(error), code=error.code) from error
        return given

    @property
    def n_clusters_shown(self) -> int:
        """The number to put into the field again: what was asked for if it makes sense, else the default."""
        given = str(self.data.get("n_clusters", "")).strip()
        if given.isdecimal() and MIN_CLUSTERS <= int(given[:20]) <= MAX_CLUSTERS:
            return int(given)
        return Recipe().n_clusters

    @property
    def problem(self) -> str:
        """The first thing that is wrong, as a sentence, or nothing."""
        return next((str(errors[0]) for errors in self.errors.values()), "")


class UploadForm(RecipeForm):
    """A picture and the settings of its first run. Whether the file is a picture is for `services.upload_image` to say."""

    image = forms.FileField(allow_empty_file=True, error_messages={"required": gettext_lazy("No picture was chosen.")})

    field_order = ("image", "n_clusters")


class LegendForm(forms.Form):
    """The table of clusters as a page without JavaScript sends it: the check boxes that are on."""

    revision = forms.IntegerField(min_value=0)

    def __init__(self, *args: Any, n_clusters: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._n_clusters = n_clusters
        choices = [(index, index) for index in range(n_clusters)]
        self.fields["foreground"] = forms.TypedMultipleChoiceField(choices=choices, coerce=int, required=False)

    @property
    def chosen(self) -> dict[int, bool]:
        """Whether each cluster belongs to the foreground; of a valid form."""
        on = set(self.cleaned_data["foreground"])
        return {index: index in on for index in range(self._n_clusters)}
