"""How often a fault is tried: in `make test` (few of them), once in `make test-services`, ten times in `make soak`."""

import pytest

_ONCE = pytest.param("once", marks=pytest.mark.services)
_TEN_TIMES = [pytest.param(f"time-{number}", marks=pytest.mark.soak) for number in range(1, 11)]

tried = pytest.mark.parametrize("trial", [_ONCE, *_TEN_TIMES])
always_tried = pytest.mark.parametrize("trial", ["always", _ONCE, *_TEN_TIMES])
