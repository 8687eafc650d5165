"""What an artefact is: a file that can be made from a result, with all that the rest of the program must know of it."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from io import BytesIO
from types import MappingProxyType
from typing import IO, Any, ClassVar

from segmentation.engine.artefacts.source import Source
from segmentation.engine.imaging import index_png

Palette = Callable[[Source], Sequence[str]]
"""Returns the colours of a palette PNG as "#rrggbb"."""

REGISTERED: dict[str, "Artefact"] = {}


class Dependency(StrEnum):
    """A part of a result that an artefact is made from."""

    COMPONENTS = "components"  # the component map
    REVISION = "revision"  # the legend, which people change
    MIXTURE = "mixture"
    MEASUREMENTS = "measurements"  # the sums of each component
    FIT = "fit"  # how the fit went
    ORIGINAL = "original"  # the values of the picture


class Artefact(ABC):
    """A file that can be made from a result. Equal sources give equal bytes.

    An artefact can have parts, for example a file for each cluster; a part is a number from 1, and each is a file of its
    own.
    """

    name: ClassVar[str]  # in the registry, in names of addresses and in links
    title: ClassVar[str]  # for people, in English; whoever shows it translates it
    extension: ClassVar[str]
    content_type: ClassVar[str]
    depends_on: ClassVar[frozenset[Dependency]]

    file_stem: ClassVar[str] = ""  # of the file's name; empty: the artefact's name
    parts_folder: ClassVar[str] = ""  # in addresses, of an artefact with parts
    palettes: ClassVar[Mapping[str, Palette]] = MappingProxyType({})  # other colours of a palette PNG, by name
    has_address: ClassVar[bool] = True  # whether it can be fetched as a file
    is_offered: ClassVar[bool] = True  # in the menu of downloads
    is_standard: ClassVar[bool] = False  # whether the command line writes it without being asked
    is_kept_by_run: ClassVar[bool] = False  # whether a run stores it for the first legend: it takes long to make
    is_expensive: ClassVar[bool] = False  # whether the web makes it in a limited child process

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTERED[cls.name] = cls()

    def file_name(self, part: int | None = None) -> str:
        """Return the name of the file in a folder of one result."""
        stem = self.file_stem or self.name
        return stem + ("" if part is None else f"-{part}") + (f".{self.extension}" if self.extension else "")

    @property
    def file_pattern(self) -> str:
        """A regular expression of the names of its file or of its parts' files."""
        stem, suffix = self.file_stem or self.name, f".{self.extension}" if self.extension else ""
        part = "-[1-9][0-9]*" if self.parts_folder else ""
        return f"^{re.escape(stem)}{part}{re.escape(suffix)}$"

    def available(self, source: Source) -> bool:  # noqa: ARG002 - most can be made of every result
        """Return whether it can be made of this result."""
        return True

    def parts(self, source: Source) -> Sequence[int]:  # noqa: ARG002 - most have none
        """Return the numbers of its parts; empty when it is a single file."""
        return ()

    def content_type_of(self, source: Source) -> str:  # noqa: ARG002 - most have but one
        """Return the media type of the file."""
        return self.content_type

    def version(self, source: Source) -> int:
        """Return the number of the revision that it depends on; 0 when all revisions share it."""
        return source.revision if Dependency.REVISION in self.depends_on else 0

    def is_kept(self, source: Source) -> bool:  # noqa: ARG002 - most are
        """Return whether it is worth to be cached; otherwise it is made each time."""
        return True

    def is_first(self, source: Source) -> bool:
        """Return whether it is the same for this legend as for the first one, for which a run may have stored it."""
        return self.version(source) == 0

    @abstractmethod
    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:
        """Write it to a file that is open for writing."""

    def make(self, source: Source, *, part: int | None = None, palette: str = "") -> bytes:
        """Return its bytes, in the colours of a palette if one is named."""
        file = BytesIO()
        self.write(source, file, part=part)
        return self.recoloured(file.getvalue(), source, palette)

    def recoloured(self, data: bytes, source: Source, palette: str) -> bytes:
        """Return the palette PNG that `write` has made in other colours: only its header changes."""
        return index_png.with_palette(data, self.palettes[palette](source)) if palette else data
