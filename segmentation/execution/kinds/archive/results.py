"""The files of one result: those that are stored, those that are made from them, and what describes them."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from segmentation.engine import pipeline
from segmentation.engine.exports import binary_png, labels_png, segmented_png
from segmentation.engine.gmm import Component, Mixture
from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend

_OF_SUMMARY = ("pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "versions")
_OF_INPUT = ("name", "sha256", "bytes", "format", "width", "height", "bands", "dtype", "frames")


def current_legend(run: Mapping[str, Any]) -> Legend:
    """Return the legend of the revision that is shown."""
    return Legend.from_mapping(next(one["legend"] for one in run["legends"] if one["number"] == run["revision"]))


def rendered(components_png: bytes, legend: Legend) -> Iterator[tuple[str, bytes]]:
    """Return the pictures of a result as its legend stands, with their names."""
    yield "labels.png", labels_png.export(components_png, legend)
    yield "segmented.png", segmented_png.export(components_png, legend)
    yield "binary.png", binary_png.export(components_png, legend)


def run_json(
    *,
    picture: Mapping[str, Any],
    run: Mapping[str, Any],
    components_png: bytes,
    fit_npz: bytes,
    outputs: Mapping[str, Any],
) -> bytes:
    """Return `run.json` of a stored result.

    Parameters
    ----------
    picture, run
        Rows, as of `rows`.
    components_png, fit_npz : bytes
        The stored files.
    outputs : mapping of str to mapping
        Bytes and SHA-256 of the files beside it, by name.
    """
    result = run["result"]
    with np.load(io.BytesIO(fit_npz), allow_pickle=False) as arrays:
        history = [float(value) for value in arrays["history"]]
    record = pipeline.RunRecord(
        source={name: picture[name] for name in _OF_INPUT},
        recipe=run["recipe"],
        inputs=run["inputs"],
        legend=current_legend(run),
        components=[Component.from_mapping(one) for one in result["components"]],
        mixture=Mixture.from_mapping(result["mixture"]),
        labels=index_png.decode(components_png),
        history=history,
        summary=result["facts"] | {name: result[name] for name in _OF_SUMMARY},
    )
    return document(record.document(outputs))


def document(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Return a JSON file that people can read."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
