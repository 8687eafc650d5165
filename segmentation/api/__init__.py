"""The HTTP API under `/api/v1`, which the pages use: session and CSRF token, JSON, problem details for errors."""

from segmentation.api.app import api

__all__ = ["api"]
