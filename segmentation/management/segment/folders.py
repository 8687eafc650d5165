"""Read pictures, and write the files of each into a folder of its own."""

import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandError

from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.exceptions import SegmentationError


def read_picture(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most + 1)  # one more than allowed is enough to be refused


def require_different_stems(pictures: list[Path]) -> None:
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for picture in pictures:
        by_stem[picture.stem].append(picture)
    for stem, namesakes in by_stem.items():
        if len(namesakes) > 1:
            raise CommandError(
                f"{' and '.join(map(str, namesakes))} would both be written to the folder {stem}. "
                "Rename one, or segment them one after the other with different --output folders."
            )


def require_replaceable(folder: Path) -> None:
    """Refuse to overwrite anything that is not the result of a former run."""
    if not os.path.lexists(folder):
        return
    is_ours = folder.is_dir() and not folder.is_symlink()
    if not is_ours or not all(_is_output(entry.name) for entry in folder.iterdir()):
        raise SegmentationError(
            "invalid_request",
            "%(folder)s exists and holds something else than results. Move it away, or choose another --output.",
            folder=str(folder),
        )


def _is_output(name: str) -> bool:
    """Return whether a run writes files of this name."""
    return any(re.search(artefact.file_pattern, name) for artefact in ARTEFACTS.values())


def publish(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files or none: `folder` is the old results or the new ones, never a mixture."""
    with tempfile.TemporaryDirectory(prefix=".segment-", dir=folder.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        for name, data in files.items():
            (new / name).write_bytes(data)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
