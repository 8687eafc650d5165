"""No file that is made from a result is forgotten by the sweep, whatever artefacts there are."""

import pytest

from segmentation import services, upkeep
from segmentation.engine.artefacts import ARTEFACTS
from segmentation.models import CachedFile
from segmentation.models.cached_files import PICTURE_TILES, RESULT_TILES

pytestmark = pytest.mark.django_db(transaction=True)


def make_all(run):
    """Make every artefact with all its parts; returns the names of the files that may be cached."""
    names = set()
    for artefact in ARTEFACTS.values():
        stored = services.stored_result(run=run)
        if not artefact.available(stored):
            continue
        for part in artefact.parts(stored) or (None,):
            content = services.open_artefact(run=run, name=artefact.name, part=part)
            if not isinstance(content, bytes):
                content.close()
            names.add(artefact.file_name(part))
    return names


def kept():
    return {(row.name, row.version) for row in CachedFile.objects.all()}


def test_the_sweep_keeps_what_is_of_the_current_revision_and_removes_what_is_of_former_ones(finished_run, owner, media):
    make_all(finished_run)
    services.pixel_report(run=finished_run, x=0, y=0)
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 1))
    names = make_all(finished_run) | {PICTURE_TILES, RESULT_TILES}
    upkeep.sweep_files()
    assert {name for name, _ in kept()} <= names | {"mask-3.png"}
    assert {version for _, version in kept()} == {0, 1}
    services.undo_legend(run=finished_run, expected=1)
    upkeep.sweep_files()
    assert {version for _, version in kept()} == {0}
    assert sorted(row.key for row in CachedFile.objects.all()) == media.keys("cache")


def test_a_file_that_this_release_does_not_make_is_removed_with_its_row(finished_run, image, media):
    for thing, name in ((finished_run, "looks"), (image, "values"), (finished_run, "mask-.png")):
        services.cached_file(thing=thing, name=name, make=lambda: b"made by another release").close()
    upkeep.sweep_files()
    assert kept() == set()
    assert media.keys("cache") == []


def test_nothing_is_left_when_the_run_is_deleted(finished_run, media):
    make_all(finished_run)
    services.delete_run(run=finished_run)
    assert kept() == {(PICTURE_TILES, 0)}  # of the picture, which stays
    assert len(media.keys("cache")) == 1
    assert media.keys("runs") == []
