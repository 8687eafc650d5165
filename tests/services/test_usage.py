"""The figure on the account page is what a walk over the storage finds, whatever people do."""

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.db.models import F

from segmentation import execution, files, services, upkeep
from segmentation.engine.exceptions import Refusal
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import StorageUnavailable
from segmentation.formatting import filesize
from segmentation.models import Image, Job, Result, Run
from segmentation.models.jobs import State
from tests import factories
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def walk(media):
    """Add up what is stored beside the cache."""
    return lambda: sum(default_storage.size(key) for prefix in ("images", "runs") for key in media.keys(prefix))


def used(owner):
    return services.usage(owner=owner).bytes


def test_the_figure_is_what_is_stored_after_each_thing_that_people_do(owner, walk, media):
    figures = []

    def check():
        assert used(owner) == walk()
        figures.append(used(owner))

    check()
    image, other = factories.make_image(owner), factories.make_image(owner)
    check()
    sha256 = factories.make_mask(image)
    check()
    masked = factories.make_run(image, inputs=Inputs(mask=sha256))
    check()
    plain = factories.make_run(image)
    execution.serve_until_empty()
    check()
    run = Run.objects.select_related("job", "image", "result").get(pk=plain.pk)
    services.edit_legend(run=run, author=owner, expected=0, merge=(0, 1), foreground={1: True})
    for name in ("labels", "segmented", "binary"):
        services.open_artefact(run=run, name=name).close()  # all of them are cached files now
    services.open_artefact(run=run, name="thumbnail").close()
    check()
    services.undo_legend(run=run, expected=1)
    services.open_artefact(run=run, name="uncertainty").close()
    check()
    cancelled = factories.make_run(other, inputs=Inputs(mask=factories.make_mask(other)))
    services.cancel_run(run=cancelled)
    check()
    services.retry_run(run=cancelled)
    execution.serve_until_empty()
    check()
    services.delete_run(run=masked)
    check()
    services.delete_image(image=image)
    check()
    services.delete_image(image=other)
    check()
    assert figures[-1] == 0
    assert len(set(figures)) >= 7
    assert media.keys("cache") == []


def test_what_fails_is_not_counted(owner, walk, media):
    with pytest.raises(Refusal):
        factories.make_image(owner, b"no picture")
    with media.closed("images"), pytest.raises(StorageUnavailable):
        factories.make_image(owner)
    assert used(owner) == walk() == 0
    image = factories.make_image(owner)
    mask = factories.make_mask(image)
    with media.closed("runs"), pytest.raises(StorageUnavailable):
        factories.make_run(image, inputs=Inputs(mask=mask))
    assert used(owner) == walk()
    original = files.image_key(image.pk, "original")
    picture = files.read(original)
    run = factories.make_run(image)
    media.replace(original, b"")
    execution.serve_until_empty()
    media.replace(original, picture)
    run.job.refresh_from_db()
    assert run.job.state == State.FAILED
    assert used(owner) == walk()


def test_a_run_that_is_cancelled_while_it_runs_leaves_nothing_that_is_not_counted(owner, walk, worker):
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    image = factories.make_image(owner, factories.encoded(noise))
    recipe = Recipe.from_mapping({"n_clusters": 32, "exact": True, "max_iterations": 10_000, "tolerance": 1e-9})
    run = services.create_run(image=image, recipe=recipe)
    eventually(lambda: Job.objects.running().filter(pk=run.pk).exists())
    services.cancel_run(run=run)
    small = factories.make_run(factories.make_image(owner))  # done when the worker is free of the other
    eventually(lambda: Job.objects.get(pk=small.pk).state == State.SUCCEEDED)
    eventually(lambda: used(owner) == walk())


def test_a_mask_that_nobody_took_is_not_counted_when_the_sweep_has_removed_it(owner, image, walk, media, monkeypatch):
    factories.make_mask(image)
    before = used(owner)
    monkeypatch.setattr("segmentation.upkeep.files.GRACE", -upkeep.files.GRACE)  # everything is old
    upkeep.sweep_files()
    assert used(owner) == walk() < before
    image.refresh_from_db()
    assert image.masks is None
    factories.make_mask(image)
    assert used(owner) == walk() == before


def test_the_sweep_corrects_a_figure_that_is_wrong(owner, image, walk):
    Image.objects.update(stored_bytes=F("stored_bytes") + 1000)
    upkeep.sweep_files(dry_run=True)
    assert used(owner) == walk() + 1000
    upkeep.sweep_files()
    assert used(owner) == walk()


def test_what_an_older_release_has_stored_is_measured(owner, image, walk):
    mask = factories.make_mask(image)
    factories.make_run(image, inputs=Inputs(mask=mask))
    factories.make_run(image)
    execution.serve_until_empty()
    Image.objects.update(stored_bytes=None, masks=None)
    Run.objects.update(inputs_bytes=None)
    Result.objects.update(bytes=None)
    assert used(owner) == image.bytes  # all that an older release knows
    assert upkeep.record_sizes() == 1 + 2 + 2
    assert used(owner) == walk()
    factories.make_mask(image)  # is known by its hash again
    assert used(owner) == walk()
    assert upkeep.record_sizes() == 0


def test_a_mask_that_comes_while_an_image_is_measured_is_counted_once(owner, image, walk, monkeypatch):
    Image.objects.update(stored_bytes=F("stored_bytes") + 1000)
    listed = files.walk

    def walk_and_upload(prefix):
        monkeypatch.setattr(files, "walk", listed)
        found = list(listed(prefix))
        factories.make_mask(image)
        return iter(found)

    monkeypatch.setattr(files, "walk", walk_and_upload)
    upkeep.record_image_size(image.pk)
    assert used(owner) == walk() + 1000  # left to the next sweep
    upkeep.record_image_size(image.pk)
    assert used(owner) == walk()


def test_staff_see_the_same_figures(client, staff, finished_run, owner, walk):
    client.force_login(staff)
    size = filesize(walk())
    assert size in client.get("/admin/segmentation/user/").content.decode()
    assert size in client.get(f"/admin/segmentation/user/{owner.pk}/change/").content.decode()
    assert size in client.get(f"/admin/segmentation/image/{finished_run.image_id}/change/").content.decode()
    client.force_login(owner)
    assert f'value="{walk()}"' in client.get("/account/").content.decode()
