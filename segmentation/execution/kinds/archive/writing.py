"""Write an archive as a ZIP file, entry by entry, without holding the archive or an original in memory.

This runs in the child process.
"""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from segmentation import files
from segmentation.engine.artefacts import count_name, safe_file_name
from segmentation.engine.recipe import Preset
from segmentation.execution.kinds.archive.results import ArchivedResult, current_legend, derived_files, document
from segmentation.execution.kinds.archive.unique_names import UniqueNames
from segmentation.execution.kinds.attempt_files import with_retries

_CHUNK = 1 << 20
_MAX_NAME_BYTES = 100  # of a picture; paths in the archive then stay below 260 characters, the limit of Windows
_OLDEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP file can hold
# Files of a result that are copied; the others are made from the current legend
_STORED = ("components.png", "fit.npz")


class ArchiveWriter:
    """Writes the rows of a person, and the files that they name, to a ZIP file.

    Parameters
    ----------
    target : binary file
        The ZIP file is written here; must be seekable.
    on_bytes : callable
        Called with the number of bytes of each piece that was read from the storage.
    """

    def __init__(self, target: IO[bytes], on_bytes: Any) -> None:
        self._zip = zipfile.ZipFile(target, "w", allowZip64=True)
        self._sums = tempfile.TemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - closed in `close`
        self._missing: list[str] = []
        self._on_bytes = on_bytes
        self._folders = UniqueNames()
        self._picture: dict[str, Any] = {}
        self._folder = ""
        self._runs: list[dict[str, Any]] = []  # of the present picture, without results
        self._run_folders = UniqueNames()

    def write(self, rows: Iterable[bytes]) -> None:
        """Write the whole archive. `rows` are the lines of JSON that `rows.rows_of` yields."""
        for line in rows:
            ((what, row),) = json.loads(line).items()
            {"account": self._add_account, "picture": self._add_picture, "run": self._add_run}[what](row)
        self._end_picture()
        if self._missing:
            self._add_text("missing.txt", "".join(f"{name}\n" for name in self._missing).encode())
        self._sums.seek(0)
        with self._entry("sha256sums.txt", zipfile.ZIP_DEFLATED, None) as entry:
            while piece := self._sums.read(_CHUNK):
                entry.write(piece)
        self._sums.close()
        self._zip.close()

    # --- rows -------------------------------------------------------------------------------------------------------

    def _add_account(self, account: Mapping[str, Any]) -> None:
        self._add_text("account.json", document(account))

    def _add_picture(self, picture: dict[str, Any]) -> None:
        self._end_picture()
        name = safe_file_name(picture["name"], max_bytes=_MAX_NAME_BYTES)
        self._folder = f"pictures/{self._folders.give(name.rpartition('.')[0] or name)}"
        self._picture, self._runs, self._run_folders = picture, [], UniqueNames()
        # The original has the person's own file name, in a folder of its own so that no other file can have the same name.
        self._add_stored(f"{self._folder}/original/{name}", files.image_key(picture["id"], "original"))
        for sha256 in picture["masks"] or ():
            self._add_stored(f"{self._folder}/masks/{sha256}.png", files.mask_key(picture["id"], sha256))

    def _end_picture(self) -> None:
        """Write `picture.json` once all runs of the present picture are known."""
        if self._picture:
            self._add_text(f"{self._folder}/picture.json", document(self._picture | {"runs": self._runs}))
        self._picture = {}

    def _add_run(self, run: dict[str, Any]) -> None:
        folder = ""
        if run["result"] is not None:
            has_regions = run["recipe"].get("preset") == Preset.REGIONS
            count = count_name(len(current_legend(run)["clusters"]), regions=has_regions)
            folder = self._run_folders.give(f"{run['job']['created'][:10]}-{count}")
            self._add_result(f"{self._folder}/{folder}", run)
        short = {name: run[name] for name in ("id", "parent", "recipe", "inputs", "revision", "job")}
        self._runs.append(short | {"folder": folder or None})
        mask = run["inputs"].get("mask")
        if mask:
            name = f"{self._folder}/masks/{run['id']}.png"
            self._add_stored(name, files.run_input_key(run["id"], mask))

    def _add_result(self, folder: str, run: Mapping[str, Any]) -> None:
        found = {name: self._read(f"{folder}/{name}", run["result"]["files"][name]["key"]) for name in _STORED}
        stored = {name: data for name, data in found.items() if data is not None}
        for name, data in stored.items():
            self._add_bytes(f"{folder}/{name}", data, zipfile.ZIP_STORED)
        legends = {"revision": run["revision"], "revisions": run["legends"]}
        self._add_text(f"{folder}/legends.json", document(legends))
        components_png = stored.get("components.png")
        if components_png is not None:
            result = ArchivedResult(
                picture=self._picture, run=run, components_png=components_png, fit_npz=stored.get("fit.npz")
            )
            for name, data in derived_files(result, stored):
                compression = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
                self._add_bytes(f"{folder}/{name}", data, compression)

    # --- entries ----------------------------------------------------------------------------------------------------

    def _add_stored(self, name: str, key: str) -> None:
        """Copy a file from the storage. If it was deleted meanwhile, its name is added to `missing.txt`."""
        source = with_retries(lambda: files.open_existing(key))
        if source is None:
            self._missing.append(name)
            return
        with source, self._entry(name, zipfile.ZIP_STORED, self._picture.get("created")) as entry:
            digest = hashlib.sha256()
            while piece := source.read(_CHUNK):
                digest.update(piece)
                entry.write(piece)
                self._on_bytes(len(piece))
        self._note(name, digest.hexdigest())

    def _read(self, name: str, key: str) -> bytes | None:
        source = with_retries(lambda: files.open_existing(key))
        if source is None:
            self._missing.append(name)
            return None
        with source:
            data = source.read()
        self._on_bytes(len(data))
        return data

    def _add_text(self, name: str, data: bytes) -> None:
        self._add_bytes(name, data, zipfile.ZIP_DEFLATED)

    def _add_bytes(self, name: str, data: bytes, compression: int) -> None:
        with self._entry(name, compression, self._picture.get("created")) as entry:
            entry.write(data)
        self._note(name, hashlib.sha256(data).hexdigest())

    def _note(self, name: str, sha256: str) -> None:
        self._sums.write(f"{sha256}  {name}\n".encode())

    @contextmanager
    def _entry(self, name: str, compression: int, created: str | None) -> Iterator[IO[bytes]]:
        info = zipfile.ZipInfo(name, _moment(created))
        info.compress_type = compression
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as entry:
            yield entry


def _moment(created: str | None) -> tuple[int, int, int, int, int, int]:
    if created is None:
        return _OLDEST
    moment = datetime.fromisoformat(created)
    return max(_OLDEST, (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second))
