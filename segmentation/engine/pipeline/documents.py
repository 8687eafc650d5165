"""An outcome in JSON: the summary that goes into the database, and `run.json`, which goes with the files.

`run.schema.json` beside this module describes `run.json`, field by field.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from segmentation.engine.gmm import Segmentation
from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.selection.criteria import most_overlapping_pair, overlaps
from segmentation.engine.gmm.statistics.uncertainty import extents
from segmentation.engine.imaging import Notice
from segmentation.engine.legend import cluster_statistics, foreground_share
from segmentation.engine.pipeline.outcome import Outcome

SCHEMA = 1


def summary(outcome: Outcome) -> dict[str, Any]:
    """What is kept of a result beside its files."""
    segmentation = outcome.segmentation
    return {
        "pixels_sha256": outcome.pixels_sha256,
        "log_likelihood": segmentation.log_likelihood,
        "iterations": segmentation.iterations,
        "converged": segmentation.converged,
        "seconds": dict(outcome.seconds),
        "mixture": segmentation.mixture.to_mapping(),
        "features": _features(segmentation),
        "components": [component.to_mapping() for component in segmentation.components],
        "versions": dict(outcome.versions),
        "legend": outcome.legend.to_mapping(),
        "notices": [notice.to_mapping() for notice in outcome.notices],
        "distinct_colours": segmentation.distinct_colours,
        "fitted_pixels": segmentation.fitted_pixels,
        "valid_pixels": segmentation.valid_pixels,
        "left_out_pixels": outcome.left_out_pixels,
    }


def run_document(outcome: Outcome, files: Mapping[str, bytes]) -> dict[str, Any]:
    """`run.json`: everything about a run that is not a picture.

    Equal inputs give equal documents, apart from ``seconds``; that is why there is no date in it.

    Parameters
    ----------
    outcome : Outcome
        Of `run`.
    files : mapping of str to bytes
        The files that go with the document, by name.
    """
    segmentation = outcome.segmentation
    return {
        "schema": SCHEMA,
        "input": {"name": outcome.name, "sha256": outcome.sha256, "bytes": outcome.size, **asdict(outcome.header)},
        "notices": [_notice(notice) for notice in outcome.notices],
        "recipe": outcome.recipe.to_mapping(),
        "inputs": outcome.inputs.to_mapping(),
        "mixture": segmentation.mixture.to_mapping(),
        "features": _features(segmentation),
        "log_likelihood": segmentation.log_likelihood,
        "history": [float(value) for value in segmentation.history],
        "iterations": segmentation.iterations,
        "converged": segmentation.converged,
        "map": _map(outcome),
        "components": [component.to_mapping() for component in segmentation.components],
        "clusters": _clusters(outcome),
        **_overlaps(outcome),
        "foreground_share": foreground_share(outcome.legend, segmentation.components),
        "versions": dict(outcome.versions),
        "outputs": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
        },
        "seconds": dict(outcome.seconds),
    }


def _features(segmentation: Segmentation) -> dict[str, Any]:
    """What the mixture's values are called, and what they mean in values of the picture."""
    return {"names": list(segmentation.names), **segmentation.units.to_mapping()}


def _notice(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code, "values": dict(notice.values), "sentence": notice.sentence}


def _map(outcome: Outcome) -> dict[str, Any]:
    height, width = outcome.segmentation.labels.shape
    return {
        "width": width,
        "height": height,
        "pixels_sha256": outcome.pixels_sha256,
        "valid_pixels": outcome.segmentation.valid_pixels,
        "left_out_pixels": outcome.left_out_pixels,
        "fitted_pixels": outcome.segmentation.fitted_pixels,
        "distinct_colours": outcome.segmentation.distinct_colours,
    }


def _clusters(outcome: Outcome) -> list[dict[str, Any]]:
    segmentation, legend = outcome.segmentation, outcome.legend
    measured = cluster_statistics(legend, segmentation.components)
    laws = merge_groups(segmentation.mixture, legend.groups)
    regions = extents(legend.cluster_of_component()[segmentation.labels], len(legend.clusters))
    return [
        {
            "index": index,
            **cluster.to_mapping(),
            "mean": list(measure.mean),
            "covariance": measure.covariance.tolist(),
            "pixels": measure.pixels,
            "soft_pixels": measure.soft_pixels,
            "share": measure.share,
            "box": None if measure.box is None else list(measure.box),
            "regions": regions[index].regions,
            "weight": float(laws.weights[index]),
            "feature_mean": laws.means[index].tolist(),
            "feature_covariance": laws.covariances[index].tolist(),
        }
        for index, (cluster, measure) in enumerate(zip(legend.clusters, measured, strict=True))
    ]


def _overlaps(outcome: Outcome) -> dict[str, Any]:
    laws = merge_groups(outcome.segmentation.mixture, outcome.legend.groups)
    pair = most_overlapping_pair(laws)
    return {"overlaps": np.round(overlaps(laws), 9).tolist(), "merge_first": None if pair is None else list(pair)}
