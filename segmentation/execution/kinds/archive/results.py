"""The files of one result in an archive: the stored ones, and those that are made from them."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from segmentation.engine.artefacts import ARTEFACTS
from segmentation.models import Image, Result, Revision, Run
from segmentation.results import StoredResult

_PICTURES = ("labels", "segmented", "binary")
_DOCUMENT = ARTEFACTS["document"]
_OF_IMAGE = (
    "name",
    "sha256",
    "bytes",
    "format",
    "width",
    "height",
    "bands",
    "dtype",
    "frames",
    "notices",
    "pixel_size",
)
_OF_RESULT = (
    "pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "versions", "extras", "mixture", "components",
)  # fmt: skip


class ArchivedResult(StoredResult):
    """A result that is built from the rows of an archive instead of the database.

    Parameters
    ----------
    picture, run : mapping
        Rows as `rows.rows_of` yields them.
    components_png : bytes
        The stored component map.
    fit_npz : bytes or None
        The stored file with details of the fit; None when it is missing.
    """

    def __init__(
        self, *, picture: Mapping[str, Any], run: Mapping[str, Any], components_png: bytes, fit_npz: bytes | None
    ) -> None:
        row = Run(
            image=Image(**{name: picture[name] for name in _OF_IMAGE}),
            recipe=run["recipe"],
            inputs=run["inputs"],
            revision=run["revision"],
        )
        row.result = Result(**{name: run["result"][name] for name in _OF_RESULT})
        super().__init__(row)
        self.current_revision = Revision(number=self.revision, legend=current_legend(run))
        self.components_png = components_png
        self.fit = {}
        if fit_npz is not None:
            with np.load(io.BytesIO(fit_npz), allow_pickle=False) as arrays:
                self.fit = dict(arrays)


def current_legend(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the stored legend of the current revision."""
    legend: Mapping[str, Any] = next(each["legend"] for each in run["legends"] if each["number"] == run["revision"])
    return legend


def derived_files(result: ArchivedResult, stored: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the pictures of a result with its current legend, then of its `run.json`.

    There is no `run.json` when a value for it is missing: for some results of earlier releases, and without `fit.npz`.

    Parameters
    ----------
    stored : mapping of str to bytes
        The stored files of the result, which `run.json` lists.
    """
    pictures = {made.file_name(): made.make(result) for made in (ARTEFACTS[name] for name in _PICTURES)}
    yield from pictures.items()
    if result.fit and _DOCUMENT.available(result):
        result.outputs = {**stored, **pictures}
        yield _DOCUMENT.file_name(), _DOCUMENT.make(result)


def document(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Return a value as indented JSON in UTF-8."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
