"""Times by the clock of the database. Leases use no other clock, because the clocks of workers may differ."""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now


def seconds_from_now(seconds: float) -> ExpressionWrapper[Any]:
    """Return an expression for the time `seconds` after the current time of the database; before it when negative."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
