"""The product's settings, on a storage that tests can close. For workers of the fault suite: `DJANGO_SETTINGS_MODULE`."""

from gmmsite.settings import *  # noqa: F403 - all of them
from gmmsite.settings import STORAGES

_stored = STORAGES["default"]
_options = {"backend": _stored["BACKEND"], **_stored.get("OPTIONS", {})}
STORAGES = STORAGES | {"default": {"BACKEND": "tests.faults.gates.gated", "OPTIONS": _options}}
