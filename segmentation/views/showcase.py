"""Figures of real results on the landing page and in the help. `scripts/landing.py` computes them with their pictures."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FIGURES = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Colour and share of one cluster."""

    index: int
    colour: str
    share: float  # 0 to 1

    @property
    def separated_colour(self) -> str:
        """Same as `colour`: these pictures have one palette only."""
        return self.colour


@cache
def showcase() -> dict[str, Any]:
    """Return the figures by name of the picture."""
    figures: dict[str, Any] = json.loads(_FIGURES.read_text(), object_hook=_parse_cluster)
    return figures


def _parse_cluster(mapping: dict[str, Any]) -> Any:
    return Cluster(**mapping) if "share" in mapping else mapping
