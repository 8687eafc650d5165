"""What the first page and the help show: figures of real results, computed by `scripts/landing.py` beside their pictures."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FIGURES = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster of a result, as a share bar and a list show it."""

    index: int
    colour: str
    share: float  # 0 to 1

    @property
    def separated_colour(self) -> str:
        """These pictures have one palette only."""
        return self.colour


@cache
def showcase() -> dict[str, Any]:
    """Return the figures by the picture that they belong to."""
    figures: dict[str, Any] = json.loads(_FIGURES.read_text(), object_hook=_understood)
    return figures


def _understood(mapping: dict[str, Any]) -> Any:
    return Cluster(**mapping) if "share" in mapping else mapping
