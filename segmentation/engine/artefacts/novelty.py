"""`novelty.png`: a map of the fraction of the fitted pixels that have a higher density than each pixel."""

from typing import IO

import numpy as np

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.pixel_maps import PALETTES, features_of, write_map
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.statistics.uncertainty import novelty, reference_densities


class Novelty(Artefact):
    name = "novelty"
    title = gettext_noop("Map of novelty")
    extension, content_type = "png", "image/png"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.MIXTURE, Dependency.ORIGINAL})
    palettes = PALETTES
    is_expensive = True

    def available(self, source: Source) -> bool:
        return not source.has_regions and source.details.applied_model is None  # it needs the pixels of the fit

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        mixture, features = source.mixture, features_of(source)
        # The sample that the fit began with: the same seed draws the same pixels.
        sample = features.sample(SAMPLE_PIXELS, np.random.default_rng([source.recipe.seed, 0]))
        reference = reference_densities(mixture, sample.values, sample.counts)
        write_map(source, features, lambda values: novelty(mixture, values, reference), file)
