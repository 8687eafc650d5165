"""Static files with hashed names, which browsers can cache for ever."""

import os
from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise publishes no types
    """Also replaces names in `import "./b.js"` of ES modules by the hashed names."""

    support_js_module_import_aggregation = True

    def post_process(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Write the compressed files readable for all users, as the others are."""
        before = os.umask(0o022)
        try:
            yield from super().post_process(*args, **kwargs)
        finally:
            os.umask(before)
