from collections.abc import Callable
from typing import Any

from django.db import connections

from segmentation.engine import decoder
from segmentation.engine.sandbox import Allowance, Child, Report


def fork(function: Callable[[Report], Any], *, allowance: Allowance) -> Child:
    """Fork without connections to databases: parent and child on one of them would mix up its messages.

    The child inherits the connection to the decoder.
    """
    connections.close_all()
    decoder.ensure_started()
    return Child.fork(function, allowance=allowance)
