"""The base class of artefacts: files that can be made from a result."""

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
"""Every artefact by its name."""


class Dependency(StrEnum):
    """A part of a result that an artefact is made from."""

    COMPONENTS = "components"  # the component map
    REVISION = "revision"  # the legend, which people can edit
    MIXTURE = "mixture"
    MEASUREMENTS = "measurements"  # the statistics of each component
    FIT = "fit"  # the history of the fit
    ORIGINAL = "original"  # the values of the picture


class Artefact(ABC):
    """A file that can be made from a result. Equal sources give equal bytes.

    An artefact can consist of several files, for example one for each cluster. These are its parts, numbered from 1.
    """

    name: ClassVar[str]  # in the registry, in addresses and in links of the API
    title: ClassVar[str]  # in English; the application translates it
    extension: ClassVar[str]
    content_type: ClassVar[str]
    depends_on: ClassVar[frozenset[Dependency]]

    file_stem: ClassVar[str] = ""  # of the name of the file; empty: the name of the artefact
    parts_folder: ClassVar[str] = ""  # in addresses of an artefact with parts
    palettes: ClassVar[Mapping[str, Palette]] = MappingProxyType({})  # further palettes of a palette PNG, by name
    has_address: ClassVar[bool] = True  # whether it can be requested as a file
    is_offered: ClassVar[bool] = True  # whether it is in the menu of downloads
    is_standard: ClassVar[bool] = False  # whether the command line writes it by default
    is_kept_by_run: ClassVar[bool] = (
        False  # whether a run stores it for its first legend, because it takes long to make
    )
    is_expensive: ClassVar[bool] = False  # whether the web makes it in a limited child process

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTERED[cls.name] = cls()

    def file_name(self, part: int | None = None) -> str:
        """Return the name of the file, or of the file of a part, within the folder of a result."""
        stem = self.file_stem or self.name
        return stem + ("" if part is None else f"-{part}") + (f".{self.extension}" if self.extension else "")

    @property
    def file_pattern(self) -> str:
        """A regular expression for the names of the file or of the files of parts."""
        stem, suffix = self.file_stem or self.name, f".{self.extension}" if self.extension else ""
        part = "-[1-9][0-9]*" if self.parts_folder else ""
        return f"^{re.escape(stem)}{part}{re.escape(suffix)}$"

    def available(self, source: Source) -> bool:  # noqa: ARG002 - most can be made from every result
        """Return whether it can be made from this result."""
        return True

    def parts(self, source: Source) -> Sequence[int]:  # noqa: ARG002 - most have none
        """Return the numbers of the parts; empty when the artefact is a single file."""
        return ()

    def content_type_of(self, source: Source) -> str:  # noqa: ARG002 - most have one type only
        """Return the media type of the file."""
        return self.content_type

    def version(self, source: Source) -> int:
        """Return the number of the revision that it depends on; 0 when it is the same for all revisions."""
        return source.revision if Dependency.REVISION in self.depends_on else 0

    def is_cached(self, source: Source) -> bool:  # noqa: ARG002 - most are
        """Return whether the file is cached; otherwise it is made for each request."""
        return True

    def is_initial(self, source: Source) -> bool:
        """Return whether it is the same as for the first legend, for which a run may have stored it."""
        return self.version(source) == 0

    @abstractmethod
    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:
        """Write the file, or the file of a part, to a binary file that is open for writing."""

    def make(self, source: Source, *, part: int | None = None, palette: str = "") -> bytes:
        """Return the bytes of the file, or of the file of a part, in the colours of a palette if one is named."""
        file = BytesIO()
        self.write(source, file, part=part)
        return self.recoloured(file.getvalue(), source, palette)

    def recoloured(self, data: bytes, source: Source, palette: str) -> bytes:
        """Return the bytes that `write` has written, in the colours of a palette; only the header of the PNG changes."""
        return index_png.with_palette(data, self.palettes[palette](source)) if palette else data
