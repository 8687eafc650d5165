"""The files of one result: those that are stored, those that are made from them, and what describes them."""

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
_OF_IMAGE = ("name", "sha256", "bytes", "format", "width", "height", "bands", "dtype", "frames", "notices")
_OF_RESULT = (
    "pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "versions", "extras", "mixture", "components",
)  # fmt: skip


class ArchivedResult(StoredResult):
    """A result as the rows of an archive describe it; needs no database.

    Parameters
    ----------
    picture, run : mapping
        Rows, as of `rows`.
    components_png : bytes
        The stored component map.
    fit_npz : bytes or None
        The stored details of the fit; None when they are missing.
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
    """Return the legend of the revision that is shown, as it is stored."""
    legend: Mapping[str, Any] = next(one["legend"] for one in run["legends"] if one["number"] == run["revision"])
    return legend


def made_from(result: ArchivedResult, stored: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Return the pictures of a result as its legend stands, then its `run.json`, each with its name.

    There is no `run.json` when something that it says is not known: of some results of earlier releases, and when the details
    of the fit are missing.

    Parameters
    ----------
    stored : mapping of str to bytes
        The other files that stand beside `run.json`, which lists them.
    """
    pictures = {made.file_name(): made.make(result) for made in (ARTEFACTS[name] for name in _PICTURES)}
    yield from pictures.items()
    if result.fit and _DOCUMENT.available(result):
        result.outputs = {**stored, **pictures}
        yield _DOCUMENT.file_name(), _DOCUMENT.make(result)


def document(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Return a JSON file that people can read."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
