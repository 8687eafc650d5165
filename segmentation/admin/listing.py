"""Lists that stay quick however much there is: pages without a full count, and search that knows ids."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext as _

MOST = 2_500
"""As many rows as a list counts and pages through. Counting 100,000 joined rows takes longer than the rest of the page;
who wants older ones narrows by date.
"""
_FEWEST_DIGITS = 4
_MOST_WORDS = 10  # each is a condition of its own, and databases refuse a thousand
_LONGEST_SEARCH = 500  # characters


class CappedPaginator(Paginator[Any]):
    """A paginator that stops counting at `MOST`; `capped` says whether there is more."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST)

    @property
    def capped(self) -> bool:
        return self._counted > MOST

    @cached_property
    def _counted(self) -> int:
        things = self.object_list
        if isinstance(things, QuerySet):
            return int(things.order_by().values("pk")[: MOST + 1].count())  # no row need be annotated to be counted
        return len(things)


class GuardedAdmin:
    """A `ModelAdmin`, before which it is mixed in, whose search has an end and whose history tells nothing without permission."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the permission first: Django looks first whether the row exists, and answers otherwise when it does not."""
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined] # ModelAdmin's
            raise PermissionDenied
        answer: HttpResponse = super().history_view(request, object_id, extra_context)  # type: ignore[misc] # ModelAdmin's
        return answer

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found: tuple[QuerySet[Any], bool]
        found = super().get_search_results(request, queryset, bounded(request, search_term))  # type: ignore[misc] # ModelAdmin's
        return found


def bounded(request: HttpRequest, text: str) -> str:
    """Return the beginning of a search that is too long, and tell the person so; any other as it is."""
    words = list(smart_split(text[:_LONGEST_SEARCH]))
    if len(words) <= _MOST_WORDS and len(text) <= _LONGEST_SEARCH:
        return text
    kept = " ".join(words[:_MOST_WORDS])
    said = _("The search is too long. These are the results for its beginning: %(words)s") % {"words": kept}
    messages.warning(request, said)
    return kept


def words_of(text: str) -> list[str]:
    """Return what a search is for: words, or phrases in quotation marks."""
    found = []
    for word in smart_split(text.replace("\x00", "")):
        quoted = word[0] in "\"'" and word[0] == word[-1] and len(word) > 1
        found.append(unescape_string_literal(word) if quoted else word)
    return found


def id_starts_with(word: str, path: str) -> Q | None:
    """Return the condition that the id at `path` begins with `word`; None when that cannot be the beginning of an id.

    Hyphens may stand anywhere, as in the reference of a failed run. A range instead of LIKE: it uses the index.
    """
    digits = word.replace("-", "").lower()
    if not _FEWEST_DIGITS <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    first, last = uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
    return Q((f"{path}__gte", first), (f"{path}__lte", last))
