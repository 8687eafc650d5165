"""What a limited child process does with a stored result."""

from pathlib import Path

from segmentation.engine.artefacts import ARTEFACTS, Source


def write_artefact(name: str, source: Source, part: int | None, path: Path) -> None:
    """Write an artefact to a file."""
    with path.open("wb") as file:
        ARTEFACTS[name].write(source, file, part=part)
