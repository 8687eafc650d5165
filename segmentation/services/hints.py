"""What people should know of the areas of a result, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from segmentation.formatting import enumeration, number, percent, thousands
from segmentation.models import Run
from segmentation.results import stored_result

_SENTENCES = {
    "borders_shared": gettext_noop("%(mixed)s of all pixels lie on borders and are shared."),
    "borders_decide": gettext_noop(
        "The borders decide this area: two ways to share them differ by %(difference)s percentage points."
    ),
    "more_border_than_inside": gettext_noop("It has more border than inside, so its pure colour is a guess."),
    "looks_like_photograph": gettext_noop("This looks like a photograph: Colours will follow it more closely."),
    "looks_like_materials": gettext_noop(
        "This looks like a picture of few materials: Areas will measure their areas more exactly."
    ),
}

_OF_CLUSTERS = {
    "borders_decide": (
        gettext_noop(
            "The borders decide the area of cluster %(clusters)s: two ways to share them differ by %(difference)s percentage points."
        ),
        gettext_noop(
            "The borders decide the areas of clusters %(clusters)s: two ways to share them differ by up to %(difference)s "
            "percentage points."
        ),
    ),
    "more_border_than_inside": (
        gettext_noop("Cluster %(clusters)s has more border than inside, so its pure colour is a guess."),
        gettext_noop("Clusters %(clusters)s have more border than inside, so their pure colours are a guess."),
    ),
}
"""The sentences of hints about one cluster and about several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HintSentence:
    """Something that people should know of a result, or of one of its clusters."""

    code: str
    cluster: int | None  # index in the legend; None: of the whole result
    sentence: str  # in the active language


def hint_sentences(*, run: Run) -> list[HintSentence]:
    """Return what people should know of the areas of a finished run."""
    return [
        HintSentence(code=hint.code, cluster=hint.cluster, sentence=_(_SENTENCES[hint.code]) % _texts(hint.values))
        for hint in stored_result(run=run).hints
    ]


def area_sentences(*, run: Run) -> list[str]:
    """Return what people should know of the areas of a finished run, a sentence for each kind of hint."""
    hints = stored_result(run=run).hints
    lines = [_(_SENTENCES[hint.code]) % _texts(hint.values) for hint in hints if hint.code == "borders_shared"]
    for code, (of_one, of_several) in _OF_CLUSTERS.items():
        found = [hint for hint in hints if hint.code == code]
        if found:
            names = [thousands(hint.cluster + 1) for hint in found if hint.cluster is not None]
            most = max((hint.values for hint in found), key=lambda values: values.get("difference", 0.0))
            template = _(of_one if len(found) == 1 else of_several)
            lines.append(template % {**_texts(most), "clusters": enumeration(names)})
    return lines


def _texts(values: Mapping[str, float]) -> dict[str, str]:
    """Return the values of a hint as text: differences in percentage points, other shares in percent."""
    return {name: number(value * 100, 1) if name == "difference" else percent(value) for name, value in values.items()}
