"""The database's clock. Leases are compared on it alone, because workers' own clocks may differ."""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now


def seconds_from_now(seconds: float) -> ExpressionWrapper[Any]:
    """Return the moment `seconds` after (or, when negative, before) the database's now."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
