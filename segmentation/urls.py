"""Addresses of the application; stable, because people and scripts keep them."""

from django.urls import include, path

from segmentation.accounts import deletion
from segmentation.api import api
from segmentation.views import account, files, health, history, images, metrics, pages, runs, start

_image = [
    path("", images.image, name="image"),
    path("original", files.original, name="image-original"),
    path("display", files.display, name="image-display"),
    path("thumbnail", files.image_thumbnail, name="image-thumbnail"),
    path("run/", images.run_image, name="image-run"),
    path("delete/", images.delete, name="image-delete"),
]
_run = [
    path("", runs.run, name="run"),
    path("components.png", files.components, name="run-components"),
    path("labels.png", files.labels, name="run-labels"),
    path("segmented.png", files.segmented, name="run-segmented"),
    path("binary.png", files.binary, name="run-binary"),
    path("uncertainty.png", files.uncertainty, name="run-uncertainty"),
    path("novelty.png", files.novelty, name="run-novelty"),
    path("thumbnail", files.run_thumbnail, name="run-thumbnail"),
    path("mask.png", files.mask, name="run-mask"),
    path("evidence/<int:n_clusters>.png", files.evidence, name="run-evidence"),
    path("cancel/", runs.cancel, name="run-cancel"),
    path("retry/", runs.retry, name="run-retry"),
    path("legend/", runs.legend, name="run-legend"),
    path("legend/merge/", runs.merge, name="run-merge"),
    path("legend/undo/", runs.undo, name="run-undo"),
    path("delete/", runs.delete, name="run-delete"),
]

urlpatterns = [
    path("", start.start, name="home"),
    path("samples/<slug:name>/", start.sample, name="sample"),
    path("history/", history.history, name="history"),
    path("images/<uuid:image_id>/", include(_image)),
    path("runs/<uuid:run_id>/", include(_run)),
    path("account/", account.account, name="account"),
    path("account/archive", account.archive, name="account-archive"),
    path("account/archive/cancel", account.cancel_archive, name="account-archive-cancel"),
    path("account/delete/", deletion.delete, name="account-delete"),
    path("help/", pages.help_page, name="help"),
    path("theme/", pages.set_theme, name="theme"),
    path("too-large/", pages.too_large, name="too-large"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", api.urls),
]
