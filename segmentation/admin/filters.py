"""Filters of the lists. Each is an equality or a range on an index, counts no rows, and works without JavaScript."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ListFilter, ModelAdmin
from django.contrib.admin.filters import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from segmentation.models import User, Worker
from segmentation.models.jobs import State

_DAY = timedelta(days=1)


class StateFilter(SimpleListFilter):
    """Filters runs by state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:  # noqa: ARG002 - Django's signature
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        if self.value() is None:
            return queryset
        if self.value() not in State.values:
            raise IncorrectLookupParameters
        return queryset.filter(job__state=self.value())


class OwnerFilter(SimpleListFilter):
    """Filters by owner. It is shown only when it is set, by a link from a person or from a list."""

    title = _("owner")
    parameter_name = "owner"
    path = "owner"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        given = self.value()
        if given is None:
            return []
        if not given.isdecimal() or len(given) > 18:
            raise IncorrectLookupParameters
        person = User.objects.filter(pk=given).first()
        return [(given, person.get_username() if person else gettext("deleted user"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        return queryset if self.value() is None else queryset.filter(**{self.path: self.value()})


class JobOwnerFilter(OwnerFilter):
    path = "job__owner"


class ImageFilter(SimpleListFilter):
    """Filters runs by image. It is shown only when it is set, by a link from an image."""

    title = _("image")
    parameter_name = "image"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:  # noqa: ARG002 - Django's signature
        return [] if self.value() is None else [(str(self.value()), _("One image"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        if self.value() is None:
            return queryset
        try:
            return queryset.filter(image=self.value())
        except ValidationError as error:  # no UUID
            raise IncorrectLookupParameters from error


class AliveFilter(SimpleListFilter):
    """Filters workers by a heartbeat within the lease."""

    title = _("state")
    parameter_name = "alive"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:  # noqa: ARG002 - Django's signature
        return [("1", _("Active"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> QuerySet[Worker]:  # noqa: ARG002 - Django's signature
        return queryset if self.value() is None else queryset.filter(pk__in=Worker.objects.alive().values("pk"))


class DateFilter(ListFilter):
    """Filters by a range of days, both included and both optional, with four links and two date fields.

    Django's `date_hierarchy` would read every row for each level.
    """

    title = _("date")
    template = "admin/filter_dates.html"
    path = "created"
    first, last = "since", "until"

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: ModelAdmin[Any]
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.since = _day(params.pop(self.first, [""])[-1])
        self.until = _day(params.pop(self.last, [""])[-1])
        self.others: list[tuple[str, str]] = []  # other parameters, which the form must also send

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.first, self.last]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        if self.since:
            queryset = queryset.filter(**{f"{self.path}__gte": _midnight(self.since)})
        if self.until:
            queryset = queryset.filter(**{f"{self.path}__lt": _midnight(self.until + _DAY)})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        own = [self.first, self.last]
        self.others = [(name, value) for name, value in changelist.params.items() if name not in own]
        yield {
            "selected": not (self.since or self.until),
            "query_string": changelist.get_query_string(remove=own),
            "display": _("All"),
        }
        for day, title in _periods(timezone.localdate()):
            yield {
                "selected": self.since == day and self.until is None,
                "query_string": changelist.get_query_string({self.first: day.isoformat()}, remove=own),
                "display": title,
            }


class JobDateFilter(DateFilter):
    path = "job__created"


def _periods(today: date) -> list[tuple[date, Promise]]:
    return [
        (today, _("Today")),
        (today - 6 * _DAY, _("Past 7 days")),
        (today - 29 * _DAY, _("Past 30 days")),
        (today.replace(month=1, day=1), _("This year")),
    ]


def _day(text: str) -> date | None:
    """Return the date in the text of a date field, or None if it is empty."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError as error:  # for example 30 February
        raise IncorrectLookupParameters from error
    if day is None or not 1 < day.year < 9999:
        raise IncorrectLookupParameters
    return day


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
