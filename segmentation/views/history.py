"""History page: a person's runs, newest first, with search, a filter by state, and a heading for each day."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from segmentation.http import SignedInRequest
from segmentation.models import Image, Run
from segmentation.models.jobs import State
from segmentation.samples import SAMPLES
from segmentation.views.cards import Card, cards

PAGE_SIZE = 24
_WITHOUT_RUN = "none"
_FILTERS: dict[str, tuple[Promise, tuple[State, ...]]] = {
    "": (gettext_lazy("All"), tuple(State)),
    "finished": (gettext_lazy("Finished"), (State.SUCCEEDED,)),
    "running": (gettext_lazy("Running"), (State.QUEUED, State.RUNNING)),
    "failed": (gettext_lazy("Failed"), (State.FAILED,)),
    "cancelled": (gettext_lazy("Cancelled"), (State.CANCELLED,)),
}
_ALWAYS_SHOWN = frozenset({"", "finished", "running", "failed"})


@dataclass(frozen=True, slots=True)
class StateFilter:
    """One choice of the filter by state."""

    title: str | Promise
    count: int
    query_string: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The cards of one day."""

    date: date
    cards: list[Card]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Parsed query string: text to search for, state, and image."""

    text: str
    state: str
    image: uuid.UUID | None

    @classmethod
    def from_request(cls, request: SignedInRequest) -> "Query":
        """Parse the query string of a request; invalid values are ignored."""
        state = request.GET.get("state", "")
        try:
            image = uuid.UUID(request.GET.get("image", ""))
        except ValueError:
            image = None
        known = state in _FILTERS or state == _WITHOUT_RUN
        text = request.GET.get("q", "").replace("\x00", "").strip()[:255]
        return cls(text=text, state=state if known else "", image=image)

    def query_string(self, *, state: str) -> str:
        """Return the query string of the same search with another state."""
        fields = {"q": self.text, "state": state, "image": self.image or ""}
        return "?" + urlencode({name: value for name, value in fields.items() if value})

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.state or self.image)


class CountedPaginator(Paginator[Any]):
    """Paginator with a known count, so that it needs no query for it."""

    def __init__(self, queryset: QuerySet[Any], count: int) -> None:
        super().__init__(queryset, PAGE_SIZE)
        self._count = count

    @cached_property
    def count(self) -> int:
        return self._count


@require_safe
@login_required
def history(request: SignedInRequest) -> HttpResponse:
    """Show one page of a person's runs."""
    query = Query.from_request(request)
    runs, images = _matches(request, query)
    counts = {row["job__state"]: row["n"] for row in runs.order_by().values("job__state").annotate(n=Count("pk"))}
    images_without_run = images.filter(runs=None)
    without_run = images_without_run.count()
    page: Page[Any]
    if query.state == _WITHOUT_RUN:
        page = CountedPaginator(images_without_run.order_by("-created", "-id"), without_run).get_page(
            request.GET.get("page")
        )
        shown = [Card(image=image, run=None, rows=[]) for image in page]
    else:
        states = _FILTERS[query.state][1]
        listed = runs.for_lists().newest_first()
        count = sum(counts.get(state, 0) for state in states)
        page = CountedPaginator(listed.filter(job__state__in=states) if query.state else listed, count).get_page(
            request.GET.get("page")
        )
        shown = cards(page)
    nothing_yet = not (query.is_filtered or counts or without_run)
    context = {
        "query": query,
        "days": _days(shown),
        "page": page,
        "filters": _filters(query, counts, without_run),
        "nothing_yet": nothing_yet,
        "samples": SAMPLES if nothing_yet else (),
        "here": request.get_full_path(),
        "today": timezone.localdate(),
    }
    return render(request, "segmentation/history.html", context)


def _matches(request: SignedInRequest, query: Query) -> tuple[Any, Any]:
    """Return the runs and the images that match text and image of the query, in any state."""
    runs, images = Run.objects.owned_by(request.user), Image.objects.owned_by(request.user)
    if query.text:
        runs, images = runs.filter(image__name__icontains=query.text), images.filter(name__icontains=query.text)
    if query.image:
        runs, images = runs.filter(image=query.image), images.filter(pk=query.image)
    return runs, images


def _filters(query: Query, counts: dict[str, int], without_run: int) -> list[StateFilter]:
    choices = []
    for name, (title, states) in _FILTERS.items():
        count = sum(counts.get(state, 0) for state in states)
        if count or name in _ALWAYS_SHOWN or name == query.state:
            choices.append(StateFilter(title, count, query.query_string(state=name), name == query.state))
    if without_run or query.state == _WITHOUT_RUN:
        is_chosen = query.state == _WITHOUT_RUN
        address = query.query_string(state=_WITHOUT_RUN)
        choices.append(StateFilter(gettext_lazy("Not run"), without_run, address, is_chosen))
    return choices


def _days(shown: Sequence[Card]) -> list[Day]:
    return [Day(day, list(group)) for day, group in groupby(shown, key=_day)]


def _day(card: Card) -> date:
    return timezone.localdate(card.run.job.created if card.run else card.image.created)
