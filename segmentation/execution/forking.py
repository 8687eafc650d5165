from collections.abc import Callable
from typing import Any

from django.db import connections

from segmentation.engine import decoder
from segmentation.engine.sandbox import Allowance, Child, Report


def fork(function: Callable[[Report], Any], *, allowance: Allowance) -> Child:
    """Fork a child process that calls `function`, after closing all database connections.

    Parent and child must not share a database connection. The child inherits the connection to the decoder process.
    """
    connections.close_all()
    decoder.ensure_started()
    return Child.fork(function, allowance=allowance)
