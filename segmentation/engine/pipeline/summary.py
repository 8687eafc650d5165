"""The figures of an outcome as a JSON object, which is stored in the database."""

from dataclasses import asdict
from typing import Any

from segmentation.engine.pipeline.outcome import Outcome


def summary(outcome: Outcome) -> dict[str, Any]:
    """Return everything of an outcome that is not in its files, as a JSON object."""
    segmentation = outcome.segmentation
    return {
        "pixels_sha256": outcome.pixels_sha256,
        "log_likelihood": segmentation.log_likelihood,
        "iterations": segmentation.iterations,
        "converged": segmentation.converged,
        "seconds": dict(outcome.seconds),
        "mixture": segmentation.mixture.to_mapping(),
        "features": {"names": list(segmentation.names), **segmentation.units.to_mapping()},
        "components": [component.to_mapping() for component in segmentation.components],
        "coverage": None if segmentation.coverage is None else segmentation.coverage.to_mapping(),
        "gain": segmentation.gain,
        "versions": dict(outcome.versions),
        "legend": outcome.legend.to_mapping(),
        "header": asdict(outcome.header),
        **outcome.description.to_mapping(),
        "map_areas": outcome.map_areas.to_mapping(),
        "band_sums": None if outcome.band_sums is None else outcome.band_sums.to_mapping(),
        "notices": [notice.to_mapping() for notice in outcome.notices],
        "distinct_colours": segmentation.distinct_colours,
        "fitted_pixels": segmentation.fitted_pixels,
        "valid_pixels": segmentation.valid_pixels,
        "left_out_pixels": outcome.left_out_pixels,
    }
