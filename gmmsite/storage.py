"""Static files under hashed names, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise publishes no types
    """Rewrites `import "./b.js"` inside ES modules to the hashed name, too."""

    support_js_module_import_aggregation = True
