"""Application of the HTTP API."""

from ninja import NinjaAPI
from ninja.security import django_auth

from segmentation.api import images, problems, runs

api = NinjaAPI(
    title="GMM Studio",
    version="1",
    description="Upload pictures, segment them with Gaussian mixtures, fetch the results.",
    auth=django_auth,
    docs_url=None,
    urls_namespace="api-v1",
)
problems.register(api)
api.add_router("/images", images.router)
api.add_router("/runs", runs.router)
