"""A person's own runs, newest first: searched, filtered by state, grouped by day."""

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
class Filter:
    """One choice of the state filter."""

    words: str | Promise
    count: int
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The cards of one day."""

    date: date
    cards: list[Card]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for."""

    text: str
    state: str
    image: uuid.UUID | None

    @classmethod
    def of(cls, request: SignedInRequest) -> "Asked":
        """Read the address; what makes no sense is left out."""
        state = request.GET.get("state", "")
        try:
            image = uuid.UUID(request.GET.get("image", ""))
        except ValueError:
            image = None
        known = state in _FILTERS or state == _WITHOUT_RUN
        text = request.GET.get("q", "").replace("\x00", "").strip()[:255]
        return cls(text=text, state=state if known else "", image=image)

    def address(self, *, state: str | None = None) -> str:
        """Return the query string of the same question, or with another state."""
        fields = {"q": self.text, "state": self.state if state is None else state, "image": self.image or ""}
        return "?" + urlencode({name: value for name, value in fields.items() if value})

    @property
    def narrows(self) -> bool:
        return bool(self.text or self.state or self.image)


class CountedPaginator(Paginator[Any]):
    """A paginator that need not count: the filter has done it already."""

    def __init__(self, things: QuerySet[Any], count: int) -> None:
        super().__init__(things, PAGE_SIZE)
        self._count = count

    @cached_property
    def count(self) -> int:
        return self._count


@require_safe
@login_required
def history(request: SignedInRequest) -> HttpResponse:
    """Show one page of a person's runs."""
    asked = Asked.of(request)
    runs, images = _found(request, asked)
    counts = {row["job__state"]: row["n"] for row in runs.order_by().values("job__state").annotate(n=Count("pk"))}
    lonely = images.filter(runs=None)
    without_run = lonely.count()
    page: Page[Any]
    if asked.state == _WITHOUT_RUN:
        page = CountedPaginator(lonely.order_by("-created", "-id"), without_run).get_page(request.GET.get("page"))
        shown = [Card(image=image, run=None, rows=[]) for image in page]
    else:
        states = _FILTERS[asked.state][1]
        listed = runs.for_lists().newest_first()
        count = sum(counts.get(state, 0) for state in states)
        page = CountedPaginator(listed.filter(job__state__in=states) if asked.state else listed, count).get_page(
            request.GET.get("page")
        )
        shown = cards(page)
    nothing_yet = not (asked.narrows or counts or without_run)
    context = {
        "asked": asked,
        "days": _days(shown),
        "page": page,
        "filters": _filters(asked, counts, without_run),
        "nothing_yet": nothing_yet,
        "samples": SAMPLES if nothing_yet else (),
        "here": request.get_full_path(),
        "today": timezone.localdate(),
    }
    return render(request, "segmentation/history.html", context)


def _found(request: SignedInRequest, asked: Asked) -> tuple[Any, Any]:
    """Return the runs and the images that the search finds, whatever their state."""
    runs, images = Run.objects.owned_by(request.user), Image.objects.owned_by(request.user)
    if asked.text:
        runs, images = runs.filter(image__name__icontains=asked.text), images.filter(name__icontains=asked.text)
    if asked.image:
        runs, images = runs.filter(image=asked.image), images.filter(pk=asked.image)
    return runs, images


def _filters(asked: Asked, counts: dict[str, int], without_run: int) -> list[Filter]:
    choices = []
    for name, (words, states) in _FILTERS.items():
        count = sum(counts.get(state, 0) for state in states)
        if count or name in _ALWAYS_SHOWN or name == asked.state:
            choices.append(Filter(words, count, asked.address(state=name), name == asked.state))
    if without_run or asked.state == _WITHOUT_RUN:
        chosen = asked.state == _WITHOUT_RUN
        choices.append(Filter(gettext_lazy("Not run"), without_run, asked.address(state=_WITHOUT_RUN), chosen))
    return choices


def _days(shown: Sequence[Card]) -> list[Day]:
    return [Day(day, list(group)) for day, group in groupby(shown, key=_day)]


def _day(card: Card) -> date:
    return timezone.localdate(card.run.job.created if card.run else card.image.created)
