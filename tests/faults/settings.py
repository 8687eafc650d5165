"""The product's settings, on a storage that tests can close. For workers of the fault suite: `DJANGO_SETTINGS_MODULE`."""

from gmmsite.settings import *  # noqa: F403 - all of them
from gmmsite.settings import STORAGES

_GATED = {
    "django.core.files.storage.FileSystemStorage": "tests.faults.gates.GatedDisk",
    "gmmsite.objects.ObjectStorage": "tests.faults.gates.GatedObjects",
}
STORAGES = STORAGES | {"default": STORAGES["default"] | {"BACKEND": _GATED[STORAGES["default"]["BACKEND"]]}}
