"""Lists that stay fast with many rows: pagination without a full count, limited searches, and search by id."""

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

MAX_ROWS = 2_500
"""Number of rows that a list counts and shows. Counting 100,000 joined rows takes longer than the rest of the page. Older
rows can be found with the filter by date.
"""
_MIN_DIGITS = 4
_MAX_WORDS = 10  # each adds a condition to the query, and databases limit their number
_MAX_SEARCH = 500  # characters


class CappedPaginator(Paginator[Any]):
    """Paginator that stops counting at `MAX_ROWS`; `capped` tells whether there are more rows."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MAX_ROWS)

    @property
    def capped(self) -> bool:
        return self._counted > MAX_ROWS

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by().values("pk")[: MAX_ROWS + 1].count())  # without annotations
        return len(rows)


class GuardedAdmin:
    """Mixin for a `ModelAdmin` that limits the length of searches and protects the history of objects."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Check the permission before Django looks for the object, so that the response does not reveal whether it exists."""
        if not self.has_view_or_change_permission(request):  # type: ignore[attr-defined] # ModelAdmin's
            raise PermissionDenied
        response: HttpResponse = super().history_view(request, object_id, extra_context)  # type: ignore[misc] # ModelAdmin's
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found: tuple[QuerySet[Any], bool]
        found = super().get_search_results(request, queryset, truncated_search(request, search_term))  # type: ignore[misc] # ModelAdmin's
        return found


def truncated_search(request: HttpRequest, text: str) -> str:
    """Return the text of a search, truncated and with a warning message if it is too long."""
    words = list(smart_split(text[:_MAX_SEARCH]))
    if len(words) <= _MAX_WORDS and len(text) <= _MAX_SEARCH:
        return text
    kept = " ".join(words[:_MAX_WORDS])
    message = _("The search is too long. These are the results for its beginning: %(words)s") % {"words": kept}
    messages.warning(request, message)
    return kept


def search_terms(text: str) -> list[str]:
    """Return the terms of a search: words, or phrases in quotation marks."""
    found = []
    for word in smart_split(text.replace("\x00", "")):
        quoted = word[0] in "\"'" and word[0] == word[-1] and len(word) > 1
        found.append(unescape_string_literal(word) if quoted else word)
    return found


def id_starts_with(word: str, path: str) -> Q | None:
    """Return the condition that the id at `path` starts with `word`, or None if no id can start with it.

    Hyphens may be anywhere, as in the reference of a failed run. The condition is a range instead of LIKE, so that the
    database uses the index.
    """
    digits = word.replace("-", "").lower()
    if not _MIN_DIGITS <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    first, last = uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
    return Q((f"{path}__gte", first), (f"{path}__lte", last))
