"""Cached files of tiles, from which single pixels of a picture or a result can be read without decoding the whole."""

import contextlib
import functools
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File

from segmentation import files
from segmentation.engine import decoder, sandbox
from segmentation.engine.pipeline import pixel_tiles
from segmentation.engine.recipe import Reading
from segmentation.models import Image, User
from segmentation.models.cached_files import PICTURE_TILES, RESULT_TILES
from segmentation.results import StoredResult
from segmentation.services.caching import cached_file
from segmentation.services.uploads import DECODE_SECONDS, require_readable

_COPY_BYTES = 2**22


def picture_tiles(image: Image, reading: Reading, actor: User | None) -> IO[bytes]:
    """Return the file of tiles of a picture, which holds the values of all its pixels, open for reading."""
    return cached_file(
        thing=image,
        name=PICTURE_TILES,
        version=_version(reading),
        make=lambda: _tiles_of_picture(image, reading),
        in_parts=True,
        actor=actor,
    )


def _version(reading: Reading) -> int:
    """Return a number that is 0 for the default reading, and differs from that of other readings."""
    return 0 if reading == Reading() else zlib.crc32(json.dumps(reading.to_mapping()).encode()) >> 1


@contextlib.contextmanager
def tiles_of(stored: StoredResult, actor: User | None) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open the files of tiles of a result and of its picture, and give the picture's first."""
    with contextlib.ExitStack() as opened:
        picture = opened.enter_context(picture_tiles(stored.run.image, stored.inputs.reading, actor))
        result = cached_file(
            thing=stored.run,
            name=RESULT_TILES,
            make=lambda: _tiles_of_result(stored, picture),
            in_parts=True,
            actor=actor,
        )
        opened.enter_context(result)
        yield picture, result


@contextlib.contextmanager
def copy_of(file: IO[bytes]) -> Iterator[Path]:
    """Give the path of a temporary copy of a cached file, for a child process to read."""
    with tempfile.NamedTemporaryFile(dir=files.incoming_folder()) as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, _COPY_BYTES)
        copy.flush()
        yield Path(copy.name)


def _tiles_of_picture(image: Image, reading: Reading) -> File[bytes]:
    """Write the tiles of a picture to a temporary file, and return it open."""
    require_readable(image)
    original = files.read(files.image_key(image.pk, "original"))
    picture = decoder.decode(original, name=image.name, limits=image.limits, reading=reading, allowance=_allowance())
    file = tempfile.NamedTemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - the caller closes it
    try:
        pixel_tiles.write_picture(picture, file)
        file.flush()  # its size is read from the file system
    except BaseException:
        file.close()
        raise
    return File(file)


def _tiles_of_result(stored: StoredResult, picture: IO[bytes]) -> File[bytes]:
    """Write the tiles of a result to a temporary file in a child process with limits, and return it open."""
    file = tempfile.NamedTemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - the caller closes it
    try:
        with copy_of(picture) as path:
            sandbox.call(
                functools.partial(
                    pixel_tiles.write_result, recipe=stored.recipe, mixture=stored.mixture, units=stored.units
                ),
                path,
                stored.components_png,
                Path(file.name),
                allowance=_allowance(),
            )
    except BaseException:
        file.close()
        raise
    return File(file)


def _allowance() -> sandbox.Allowance:
    return sandbox.Allowance(memory=settings.GMM_RUN_MEMORY, seconds=DECODE_SECONDS)
