from collections.abc import Callable
from typing import Any

from django.db import connections

from segmentation.engine.sandbox import Allowance, Child, Report


def fork(function: Callable[[Report], Any], *, allowance: Allowance) -> Child:
    """Fork without connections to databases: parent and child on one of them would mix up its messages."""
    connections.close_all()
    return Child.fork(function, allowance=allowance)
