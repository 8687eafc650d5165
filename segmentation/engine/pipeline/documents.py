"""An outcome in JSON: the summary that goes into the database, and `run.json`, which goes with the files.

`run.schema.json` beside this module describes `run.json`, field by field.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Component, Mixture, Segmentation
from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.selection.criteria import closest, overlaps
from segmentation.engine.gmm.statistics.uncertainty import shapes
from segmentation.engine.imaging import Notice
from segmentation.engine.legend import Legend, foreground_share, measures
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
    outputs = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    return RunRecord.of(outcome).document(outputs)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunRecord:
    """What `run.json` says of a run: of an outcome, or of what was stored of it (`summary`)."""

    source: Mapping[str, Any]  # the picture's name, sha256, bytes and header
    recipe: Mapping[str, Any]
    inputs: Mapping[str, Any]
    legend: Legend
    components: Sequence[Component]
    mixture: Mixture
    labels: NDArray[np.uint8]  # the component map (H, W)
    history: Sequence[float]
    summary: Mapping[str, Any]  # as `summary` makes it; its legend, mixture and components are not read

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Return the record of an outcome."""
        segmentation = outcome.segmentation
        return cls(
            source={"name": outcome.name, "sha256": outcome.sha256, "bytes": outcome.size, **asdict(outcome.header)},
            recipe=outcome.recipe.to_mapping(),
            inputs=outcome.inputs.to_mapping(),
            legend=outcome.legend,
            components=segmentation.components,
            mixture=segmentation.mixture,
            labels=segmentation.labels,
            history=[float(value) for value in segmentation.history],
            summary=summary(outcome),
        )

    def document(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return `run.json`.

        Parameters
        ----------
        outputs : mapping of str to mapping
            Bytes and SHA-256 of the files that go with the document, by name.
        """
        plain = ("log_likelihood", "iterations", "converged", "versions", "seconds")
        return {
            "schema": SCHEMA,
            "input": dict(self.source),
            "notices": [_notice(Notice.from_mapping(notice)) for notice in self.summary["notices"]],
            "recipe": dict(self.recipe),
            "inputs": dict(self.inputs),
            "mixture": self.mixture.to_mapping(),
            "features": self.summary["features"],
            "history": list(self.history),
            "map": _map(self),
            "components": [component.to_mapping() for component in self.components],
            "clusters": _clusters(self),
            **_overlaps(self),
            "foreground_share": foreground_share(self.legend, self.components),
            "outputs": dict(outputs),
            **{name: self.summary[name] for name in plain},
        }


def _features(segmentation: Segmentation) -> dict[str, Any]:
    """What the mixture's values are called, and what they mean in values of the picture."""
    return {"names": list(segmentation.names), **segmentation.units.to_mapping()}


def _notice(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code, "values": dict(notice.values), "sentence": notice.sentence}


def _map(record: RunRecord) -> dict[str, Any]:
    height, width = record.labels.shape
    counts = ("pixels_sha256", "valid_pixels", "left_out_pixels", "fitted_pixels", "distinct_colours")
    return {"width": width, "height": height, **{name: record.summary[name] for name in counts}}


def _clusters(record: RunRecord) -> list[dict[str, Any]]:
    legend = record.legend
    measured = measures(legend, record.components)
    laws = merge_groups(record.mixture, legend.groups)
    regions = shapes(legend.cluster_of_component()[record.labels], len(legend.clusters))
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


def _overlaps(record: RunRecord) -> dict[str, Any]:
    laws = merge_groups(record.mixture, record.legend.groups)
    pair = closest(laws)
    return {"overlaps": np.round(overlaps(laws), 9).tolist(), "merge_first": None if pair is None else list(pair)}
