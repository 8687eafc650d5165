"""Settings for common kinds of pictures, which one click puts into the form of a new run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from segmentation.engine.recipe import SETTING_NAMES, Recipe
from segmentation.forms import recipe_fields

_CHOICES: tuple[tuple[str, dict[str, str]], ...] = (
    (gettext_noop("Photograph"), {}),
    (gettext_noop("Stained tissue"), {"preset": "areas", "features": "od"}),
    (gettext_noop("Phases in grey"), {"preset": "areas", "features": "gray"}),
    (gettext_noop("Satellite"), {"preset": "areas"}),
    (gettext_noop("Poster"), {"smallest_region": "0.0001"}),  # 0.01 %: rims of letters join what they belong to
)
_SET = ("preset", "features", "texture", "position", "covariance", "smoothness", "smallest_region")
"""The settings that a choice sets; the number of clusters, the seed and the settings of the fit stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickChoice:
    """A kind of picture with its settings."""

    name: str
    href: str  # the page with these settings in the form
    settings: str  # the same as a JSON object, for the script
    current: bool  # whether the address has these settings and the form shows them


def quick_choices(shown: Mapping[str, str], query: QueryDict) -> list[QuickChoice]:
    """Return the kinds of pictures.

    Parameters
    ----------
    shown : mapping
        The settings that the form shows.
    query : QueryDict
        The parameters of the page; a run whose settings it shows stays among them.
    """
    found = []
    for name, differing in _CHOICES:
        settings = dict.fromkeys(_SET, "") | _defaults() | differing
        address = query.copy()
        for field, value in settings.items():
            address[field] = value
        found.append(
            QuickChoice(
                name=_(name),
                href=f"?{address.urlencode()}",
                settings=json.dumps(settings, sort_keys=True),
                current="preset" in query and all(shown[field] == value for field, value in settings.items()),
            )
        )
    return found


def _defaults() -> dict[str, str]:
    return {field: text for field, text in recipe_fields(Recipe().to_mapping()).items() if field in _SET}


def given_settings(query: QueryDict, like: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a form: those of a run, `like`, with the settings that an address has in its parameters.

    A number of regions is no number of clusters, so another kind of preset begins with its own number.
    """
    given = {name: str(query[name]) for name in (*SETTING_NAMES, "auto") if name in query}
    fields = {**like, **given}
    was_regions, is_regions = (of.get("preset", "") == "regions" for of in (like, fields))
    if was_regions != is_regions and "n_clusters" not in given:
        fields.pop("n_clusters", None)
        fields |= {"auto": "on"} if is_regions else {}
    return fields
