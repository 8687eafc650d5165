"""Parse how the files of pictures are read on the command line, where pages and channels are numbered from 1."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from segmentation.engine.exceptions import BadRecipe, Refusal
from segmentation.engine.imaging import Layout
from segmentation.engine.imaging.pixel_size import PixelSize, size_of_text
from segmentation.engine.recipe import Alpha, Reading, Selection


def add_reading(parser: CommandParser) -> None:
    """Add the options of how files are read; what is not given is left to the file."""
    add = parser.add_argument
    add("--pixel-size", metavar="SIZE", help="of the pictures, with its unit: 0.25um, 10m, 0.25x0.3um; areas follow it")
    add("--no-data", metavar="VALUE", help="pixels of which all bands have it are left out; --no-data=-1e4")
    add("--page", metavar="N", help="of a file with several pictures or planes, from 1; the default is the first")
    add(
        "--channels",
        metavar="LIST",
        help="numbers of the channels that are the bands, from 1: 1,2,3; the default is all",
    )
    add("--alpha", choices=[alpha.value for alpha in Alpha], help="what a band that is marked as alpha means")


def parse_reading(options: Mapping[str, Any]) -> Reading:
    """Parse the options apart from the page.

    Raises
    ------
    CommandError
        When they make no sense.
    """
    channels = None if options["channels"] is None else _channels(options["channels"])
    no_data = None if options["no_data"] is None else _number(options["no_data"])
    try:
        return Reading.from_mapping(
            {"selection": {"channels": channels}, "no_data": no_data, "alpha": options["alpha"]}
        )
    except BadRecipe as error:
        raise CommandError(str(error)) from None


def parse_pixel_size(options: Mapping[str, Any]) -> PixelSize | None:
    """Parse the size of a pixel; raises CommandError when it is none."""
    if options["pixel_size"] is None:
        return None
    size = size_of_text(options["pixel_size"])
    if size is None:
        raise CommandError("--pixel-size must be a number with a unit of length, for example 0.25um or 10m.")
    return size


def parse_page(options: Mapping[str, Any]) -> int | None:
    """Parse the number of a page; raises CommandError when it is none."""
    return None if options["page"] is None else _positive("--page", options["page"])


def selection_of_page(page: int, layout: Layout, *, channels: tuple[int, ...] | None) -> Selection:
    """Return the picture, depth and time of a page of a file, with the given channels.

    Pages are the pictures of the file, or the planes of its only one: all depths of the first point in time, then those of the
    next one.

    Raises
    ------
    Refusal
        With `invalid_request`, when there is no such page.
    """
    depths, times = layout.length("Z"), layout.length("T")
    count = layout.pictures if layout.pictures > 1 else depths * times
    if page > count:
        raise Refusal("invalid_request", "The file has %(count)s pages: choose from 1 to %(count)s.", count=count)
    if layout.pictures > 1:
        return Selection(series=page - 1, channels=channels)
    time, depth = divmod(page - 1, depths)
    return Selection(z=depth, t=time, channels=channels)


def _channels(text: str) -> list[int]:
    return [_positive("--channels", part) - 1 for part in text.split(",")]


def _positive(option: str, text: str) -> int:
    if not text.strip().isdecimal() or not 0 < int(text) < 10**9:
        raise CommandError(f"{option} takes whole numbers from 1.")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CommandError("--no-data must be a number.") from None
