"""The log-likelihood over the iterations as points of an SVG that the server draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from segmentation.formatting import number

WIDTH, HEIGHT = 360, 120
_SHOWN, _FRAME, _BELOW = 0.6, 84.0, 20.0  # nats, units of the view box, frames
_GAP = 6  # units between the band and its neighbours
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 352.0, 8.0, 98.0
_CHARACTERS, _CHARACTER = 6, 7.0  # that have room at the left, and the units that each further one takes


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what is written there."""

    at: str
    text: str
    anchor: str = "end"
    text_at: str = ""  # the base line of a text beside a line


@dataclass(frozen=True, slots=True)
class FitChart:
    """A line from the first to the last value, in units of the SVG's view box; ready for its attributes."""

    points: str
    end: tuple[str, str]
    left: str  # where lines begin
    text_end: str  # of what is written beside them
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    first_value: str
    last_value: str
    iterations: int


def fit_chart(history: Sequence[float]) -> FitChart | None:
    """Return the chart of a fit, or None when there is no curve to draw (fewer than two values).

    Parameters
    ----------
    history : sequence of float
        Mean log-likelihood at the start and after each iteration, nats per pixel.
    """
    if len(history) < 2:
        return None
    low, high = min(history), max(history)
    span = high - low or 1.0
    rows = _rows(low, high)
    left = _LEFT + _CHARACTER * max(0, *(len(tick.text) - _CHARACTERS for tick in rows))
    across = [left + (_RIGHT - left) * i / (len(history) - 1) for i in range(len(history))]
    down = [_BOTTOM - (_BOTTOM - _TOP) * (value - low) / span for value in history]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    return FitChart(
        points=points,
        end=(f"{across[-1]:.1f}", f"{down[-1]:.1f}"),
        left=f"{left:g}",
        text_end=f"{left - 8:g}",
        rows=rows,
        columns=_columns(len(history), left),
        first_value=number(history[0], 2),
        last_value=number(history[-1], 2),
        iterations=len(history) - 1,
    )


@dataclass(frozen=True, slots=True)
class CriterionCurve:
    """A criterion over the numbers of clusters; a hundred units of the view box a number."""

    width: int
    points: str
    dots: tuple[tuple[str, str], ...]
    best: int  # index of the best
    band: tuple[int, int] | None  # left end and width of the ground under numbers that do nearly as well


def criterion_curve(values: Sequence[float], nearly: Sequence[bool]) -> CriterionCurve:
    """Return the upper part of a curve: what lies more than 0.6 below the best is cut off by the frame.

    Parameters
    ----------
    values : sequence of float
        The criterion for 1, 2, ... clusters.
    nearly : sequence of bool
        Whether a number belongs to the plateau around the best; the best itself does.
    """
    best = max(range(len(values)), key=lambda index: values[index])
    dots = tuple(
        (f"{50 + 100 * index}", f"{8 + min((values[best] - value) / _SHOWN, _BELOW) * _FRAME:.1f}")
        for index, value in enumerate(values)
    )
    plateau = [index for index, belongs in enumerate(nearly) if belongs]
    band = (100 * plateau[0] + _GAP, 100 * len(plateau) - 2 * _GAP) if len(plateau) > 1 else None
    return CriterionCurve(100 * len(values), " ".join(",".join(dot) for dot in dots), dots, best, band)


def _rows(low: float, high: float) -> tuple[Tick, ...]:
    """Three values, with as many decimals as keep them apart; of a rise that is too small to be read, its end alone."""
    values: tuple[float, ...] = (high, (high + low) / 2, low)
    decimals = next((d for d in range(2, 5) if len({number(value, d) for value in values}) == len(values)), None)
    if decimals is None:
        values, decimals = (high,), 2
    places = (_TOP, (_TOP + _BOTTOM) / 2, _BOTTOM)
    return tuple(
        Tick(f"{place:.1f}", number(value, decimals), text_at=f"{place + 4:.1f}")
        for place, value in zip(places[: len(values)], values, strict=True)
    )


def _columns(count: int, left: float) -> tuple[Tick, ...]:
    first, last = Tick(f"{left:.1f}", "0", "start"), Tick(f"{_RIGHT:.1f}", str(count - 1))
    if count < 5:
        return first, last
    middle = (count - 1) // 2
    place = left + (_RIGHT - left) * middle / (count - 1)
    return first, Tick(f"{place:.1f}", str(middle), "middle"), last
