"""HTTP API at `/api/v1`: JSON, authentication by session and CSRF token, errors as problem details. The pages use it, too."""

from segmentation.api.app import api

__all__ = ["api"]
