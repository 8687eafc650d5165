"""URL patterns of the application. They must stay stable, because people and scripts store the addresses."""

from django.urls import include, path

from segmentation.accounts import deletion
from segmentation.api import api
from segmentation.engine.artefacts import ARTEFACTS, Artefact
from segmentation.views import account, files, health, history, images, metrics, pages, runs, start


def address(artefact: Artefact) -> str:
    """Return the URL pattern of an artefact below that of its run: its file name, or a folder with its parts."""
    if not artefact.parts_folder:
        return artefact.file_name()
    return f"{artefact.parts_folder}/<int:part>.{artefact.extension}"


_image = [
    path("", images.image, name="image"),
    path("original", files.original, name="image-original"),
    path("display", files.display, name="image-display"),
    path("thumbnail", files.image_thumbnail, name="image-thumbnail"),
    path("run/", images.run_image, name="image-run"),
    path("reading/", images.change_reading, name="image-reading"),
    path("delete/", images.delete, name="image-delete"),
]
_artefacts = [
    path(address(artefact), files.artefact, {"name": artefact.name}, name=f"run-{artefact.name}")
    for artefact in ARTEFACTS.values()
    if artefact.has_address
]
_run = [
    *_artefacts,
    path("", runs.run, name="run"),
    path("components.png", files.components, name="run-components"),
    path("mask.png", files.mask, name="run-mask"),
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
