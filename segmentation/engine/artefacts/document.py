"""`run.json`: recipe, inputs, mixture, statistics and versions of a result.

Its fields are described in `run.schema.json`. Equal results give equal documents, apart from ``seconds``; therefore it has no
date.
"""

import hashlib
import json
import zlib
from dataclasses import asdict
from typing import IO, Any

import numpy as np

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.binary import Binary
from segmentation.engine.artefacts.labels import Labels
from segmentation.engine.artefacts.segmented import Segmented
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm import Hint
from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.selection.criteria import most_overlapping_pair, overlaps
from segmentation.engine.gmm.statistics.uncertainty import extents
from segmentation.engine.imaging import Notice

SCHEMA = 2
_LARGEST_VERSION = 2**31 - 1


class Document(Artefact):
    name = "document"
    title = gettext_noop("Numbers and settings")
    file_stem = "run"
    extension, content_type = "json", "application/json"
    depends_on = frozenset(Dependency) - {Dependency.ORIGINAL}
    is_standard = True
    is_expensive = True

    def version(self, source: Source) -> int:
        """Return a number of all that it depends on and that can change: schema, legend, size of a pixel given by a person."""
        size = source.picture.description.pixel_size
        depended_on = SCHEMA, source.revision, None if size is None else size.to_mapping()
        return zlib.crc32(repr(depended_on).encode()) & _LARGEST_VERSION

    def available(self, source: Source) -> bool:
        return source.is_complete

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        text = json.dumps(run_document(source), indent=2, ensure_ascii=False, allow_nan=False)
        file.write((text + "\n").encode())


def run_document(source: Source) -> dict[str, Any]:
    """Return the content of `run.json`; raises ValueError when the source is not complete."""
    if source.picture.header is None:
        raise ValueError("The header of the picture is not known.")
    picture, details, counts = source.picture, source.details, source.counts
    mixtures = merge_groups(source.mixture, source.legend.groups)
    pair = most_overlapping_pair(mixtures)
    return {
        "schema": SCHEMA,
        "input": {
            "name": picture.name,
            "sha256": picture.sha256,
            "bytes": picture.size,
            **asdict(source.picture.header),
            **picture.description.fields(),
        },
        "area": {"unit": source.areas.unit, "method": source.areas.method.value},
        "notices": [_notice(notice) for notice in picture.notices],
        "recipe": source.recipe.to_mapping(),
        "inputs": source.inputs.to_mapping(),
        "mixture": source.mixture.to_mapping(),
        "features": {**details.features, "dtype": details.features.get("dtype")},
        "applied_model": details.applied_model,
        "log_likelihood": details.log_likelihood,
        "history": [float(value) for value in source.fit["history"]],
        "iterations": details.iterations,
        "converged": details.converged,
        "map": {
            "width": counts.width,
            "height": counts.height,
            "pixels_sha256": details.pixels_sha256,
            "valid_pixels": counts.valid_pixels,
            "left_out_pixels": counts.left_out_pixels,
            "fitted_pixels": counts.fitted_pixels,
            "distinct_colours": counts.distinct_colours,
        },
        "components": [component.to_mapping() for component in source.components],
        "clusters": _clusters(source),
        "hints": [_hint(hint) for hint in source.hints],
        "overlaps": np.round(overlaps(mixtures), 9).tolist(),
        "merge_first": None if pair is None else list(pair),
        "foreground_share": source.foreground_share,
        "versions": dict(details.versions),
        "outputs": _outputs(source),
        "seconds": dict(details.seconds),
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code, "values": dict(notice.values), "sentence": notice.sentence}


def _hint(hint: Hint) -> dict[str, Any]:
    return {"code": hint.code, "cluster": hint.cluster, "values": dict(hint.values)}


def _clusters(source: Source) -> list[dict[str, Any]]:
    mixtures = merge_groups(source.mixture, source.legend.groups)
    regions = extents(source.legend.cluster_of_component()[source.labels], len(source.legend.clusters))
    return [
        {
            "index": cluster.index,
            "name": cluster.name,
            "colour": cluster.colour,
            "foreground": cluster.foreground,
            "components": list(cluster.components),
            "mean": list(cluster.mean),
            "covariance": [list(row) for row in cluster.covariance],
            "pixels": cluster.pixels,
            "area": source.cluster_areas[cluster.index],
            "bands": [asdict(band) for band in source.bands_of(cluster)],
            "soft_pixels": cluster.soft_pixels,
            "share": cluster.share,
            "soft": cluster.soft_share,
            "coverage": None if cluster.coverage is None else cluster.coverage.to_mapping(),
            "box": None if cluster.box is None else list(cluster.box),
            "regions": regions[cluster.index].regions,
            "weight": float(mixtures.weights[cluster.index]),
            "feature_mean": mixtures.means[cluster.index].tolist(),
            "feature_covariance": mixtures.covariances[cluster.index].tolist(),
        }
        for cluster in source.clusters
    ]


def _outputs(source: Source) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each file that the document lists, by name."""
    files = source.outputs
    if files is None:
        files = {pixels.file_name(): pixels.make(source) for pixels in (Labels(), Segmented(), Binary())}
    return {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
