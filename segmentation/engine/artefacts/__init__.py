"""Artefacts: the files that can be made from a result, with one module for each.

A module defines one subclass of `Artefact`; importing it registers the artefact by its name. All modules of this package are
imported here, so that a new one needs no further line: addresses, links, names of downloads, the cache and its sweep, and
the command line read `ARTEFACTS`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from segmentation.engine.artefacts.artefact import REGISTERED, Artefact, Dependency
from segmentation.engine.artefacts.names import count_name, download_name, result_name, safe_file_name
from segmentation.engine.artefacts.source import Counts, FitDetails, PictureDetails, Source

for _module in pkgutil.iter_modules(__path__, prefix=f"{__name__}."):
    importlib.import_module(_module.name)

ARTEFACTS: Mapping[str, Artefact] = MappingProxyType(dict(sorted(REGISTERED.items())))
"""All artefacts by name."""

__all__ = [
    "ARTEFACTS",
    "Artefact",
    "Counts",
    "Dependency",
    "FitDetails",
    "PictureDetails",
    "Source",
    "count_name",
    "download_name",
    "result_name",
    "safe_file_name",
]
