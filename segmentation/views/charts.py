"""Coordinates of the SVG charts of a fit: the log-likelihood by iteration, and a criterion by number of clusters."""

from collections.abc import Sequence
from dataclasses import dataclass

from segmentation.formatting import number, thousands

WIDTH, HEIGHT = 360, 120
_SHOWN, _FRAME, _BELOW = (
    0.6,
    84.0,
    20.0,
)  # range shown in nats; its height in units of the view box; most frames below it
_GAP = 6  # units between the band and its neighbours
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 352.0, 8.0, 98.0
_CHARACTERS, _CHARACTER = 6, 7.0  # characters that fit at the left, and the width of each further one in units


@dataclass(frozen=True, slots=True)
class Tick:
    """Position on an axis and its label."""

    at: str
    text: str
    anchor: str = "end"
    text_at: str = ""  # base line of the label


@dataclass(frozen=True, slots=True)
class FitChart:
    """Chart of the log-likelihood; coordinates are in units of the view box, as text for SVG attributes."""

    points: str
    end: tuple[str, str]
    left: str  # x where the grid lines begin
    text_end: str  # x where the labels of the grid lines end
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    first_value: str
    last_value: str
    iterations: int


def fit_chart(history: Sequence[float]) -> FitChart | None:
    """Return the chart of a fit, or None if there are fewer than two values.

    Parameters
    ----------
    history : sequence of float
        Mean log-likelihood at the start and after each iteration, nats per pixel.
    """
    if len(history) < 2:
        return None
    low, high = min(history), max(history)
    span = high - low
    rows = _rows(low, high)
    left = _LEFT + _CHARACTER * max(0, *(len(tick.text) - _CHARACTERS for tick in rows))
    across = [left + (_RIGHT - left) * i / (len(history) - 1) for i in range(len(history))]
    down = [_BOTTOM - (_BOTTOM - _TOP) * ((value - low) / span if span else 1.0) for value in history]
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
    """Chart of a criterion by number of clusters. Each number is a hundred units of the view box wide."""

    width: int
    points: str
    dots: tuple[tuple[str, str], ...]
    best: int  # index of the best
    band: tuple[int, int] | None  # left end and width of the background behind numbers that score almost as well


def criterion_curve(values: Sequence[float], nearly: Sequence[bool]) -> CriterionCurve:
    """Return the chart of a criterion. Values more than 0.6 below the best lie outside the view box.

    Parameters
    ----------
    values : sequence of float
        The criterion for 1, 2, ... clusters.
    nearly : sequence of bool
        Whether a number scores almost as well as the best; true for the best itself.
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
    """Return ticks at the highest, middle and lowest value, with enough decimals to tell them apart.

    If four decimals are not enough, only the highest value gets a tick.
    """
    values: tuple[float, ...] = (high, (high + low) / 2, low)
    decimals = next((d for d in range(2, 5) if len({number(value, d) for value in values}) == len(values)), None)
    if decimals is None:
        values, decimals = (high,), 2
    positions = (_TOP, (_TOP + _BOTTOM) / 2, _BOTTOM)
    return tuple(
        Tick(f"{y:.1f}", number(value, decimals), text_at=f"{y + 4:.1f}")
        for y, value in zip(positions[: len(values)], values, strict=True)
    )


def _columns(count: int, left: float) -> tuple[Tick, ...]:
    first, last = Tick(f"{left:.1f}", "0", "start"), Tick(f"{_RIGHT:.1f}", thousands(count - 1))
    if count < 5:
        return first, last
    middle = (count - 1) // 2
    x = left + (_RIGHT - left) * middle / (count - 1)
    return first, Tick(f"{x:.1f}", thousands(middle), "middle"), last
