"""Static files under hashed names, so that browsers may keep them for ever."""

import os
from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise publishes no types
    """Rewrites `import "./b.js"` inside ES modules to the hashed name, too."""

    support_js_module_import_aggregation = True

    def post_process(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Let everybody read the compressed files, as the others: whitenoise writes them by itself."""
        before = os.umask(0o022)
        try:
            yield from super().post_process(*args, **kwargs)
        finally:
            os.umask(before)
