"""Functions that run in a limited child process on a stored result."""

from pathlib import Path

from segmentation.engine.artefacts import ARTEFACTS, Source


def write_artefact(name: str, source: Source, part: int | None, path: Path) -> None:
    """Write an artefact to a file.

    Parameters
    ----------
    name : str
        The name of the artefact in the registry.
    source : Source
    part : int or None
        The part of an artefact with parts.
    path : Path
        The file, which is created or replaced.
    """
    with path.open("wb") as file:
        ARTEFACTS[name].write(source, file, part=part)
