"""A person who tries to store more than the quota allows, or what nobody counts."""

import io
import threading

import numpy as np
import PIL.Image
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from segmentation import execution, files, services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import QuotaExceeded
from segmentation.models import CachedFile, Job, Run
from segmentation.services import masks, quotas
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

RENDITIONS = ("labels", "segmented", "binary")


def noise(width=200, height=150):
    """A picture of which nothing that is made of it can be compressed."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def stored(media, prefix):
    return sum(default_storage.size(key) for key in media.keys(prefix))


def beside_cache(media):
    return stored(media, "images") + stored(media, "runs")


def finished(run):
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    assert run.succeeded, run.job.error_detail
    return run


def look_at(run, name):
    picture = services.open_artefact(run=run, name=name)
    if not isinstance(picture, bytes):
        picture.close()


def look_at_everything(run):
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    for name in RENDITIONS:
        look_at(run, name)
    services.open_artefact(run=run, name="thumbnail").close()
    services.open_artefact(run=run, name="uncertainty").close()
    services.open_artefact(run=run, name="novelty").close()
    services.connected_regions(run=run)


def test_eight_edits_of_one_legend_store_nothing_beyond_quota_and_cache(owner, media):
    run = finished(factories.make_run(factories.make_image(owner, factories.encoded(noise())), 12))
    before = beside_cache(media)
    most = 0
    for number in range(8):
        services.edit_legend(run=run, author=owner, expected=number, merge=(0, 1))
        look_at_everything(run)
        if number == 0:
            most = stored(media, "cache")
    assert beside_cache(media) == before == services.usage(owner=owner).bytes
    assert stored(media, "cache") <= most
    assert stored(media, "cache") == CachedFile.objects.total_bytes()


def test_undo_and_redo_keep_one_picture_of_each_kind(owner, finished_run, media):
    for _ in range(3):
        services.edit_legend(run=finished_run, author=owner, expected=finished_run.revision, merge=(0, 1))
        look_at_everything(finished_run)
        services.undo_legend(run=finished_run, expected=finished_run.revision)
        look_at_everything(finished_run)
    names = [row.name for row in CachedFile.objects.all()]
    assert len(names) == len(set(names)) == len(media.keys("cache"))


def test_a_cache_that_is_full_stays_full_and_no_fuller(owner, finished_run, media, settings):
    settings.GMM_CACHE_BYTES = 8_000
    for number in range(4):
        services.edit_legend(run=finished_run, author=owner, expected=number, foreground={0: number % 2 == 0})
        look_at_everything(finished_run)
        assert stored(media, "cache") <= 2_000


def test_a_small_file_that_becomes_a_large_result_counts_as_what_it_becomes(owner, media, settings):
    """2.5 kB of AVIF: flat, and with a mask of noise everything that is made of it is large."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.full((1100, 1200, 3), 128, np.uint8)).save(buffer, "AVIF")
    data = buffer.getvalue()
    image = factories.make_image(owner, data, name="flat.avif")
    mask = np.random.default_rng(0).integers(0, 2, (1100, 1200), dtype=np.uint8) * 255
    sha256 = factories.make_mask(image, mask)
    finished(factories.make_run(image, 2, inputs=Inputs(mask=sha256)))
    used = services.usage(owner=owner).bytes
    assert used == beside_cache(media) > 100 * len(data)
    settings.GMM_QUOTA_BYTES = used
    with pytest.raises(QuotaExceeded) as refused:
        factories.make_run(image, 2, inputs=Inputs(mask=sha256))
    assert refused.value.code == "quota_bytes"
    assert beside_cache(media) == used


def test_filling_the_disk_by_runs_ends_at_the_quota(owner, media, settings):
    image = factories.make_image(owner, factories.encoded(noise()))
    settings.GMM_QUOTA_BYTES = 1_500_000

    def fill():
        for number in range(60):
            finished(factories.make_run(image, 12, seed=number))

    with pytest.raises(QuotaExceeded) as refused:
        fill()
    assert refused.value.code == "quota_bytes"
    assert beside_cache(media) == services.usage(owner=owner).bytes <= settings.GMM_QUOTA_BYTES


def test_runs_that_wait_have_their_room_before_they_begin(owner, media, settings):
    """Fifty queued runs must not pass because none of them has stored anything yet."""
    image = factories.make_image(owner, factories.encoded(noise()))
    settings.GMM_QUOTA_BYTES = 4_000_000
    refused = 0
    for _ in range(6):
        try:
            factories.make_run(image, 12)
        except QuotaExceeded:
            refused += 1
    assert refused >= 3
    execution.serve_until_empty()
    assert beside_cache(media) <= settings.GMM_QUOTA_BYTES


def test_trying_failed_runs_again_needs_room_too(owner, image, settings):
    run = factories.make_run(image)
    services.cancel_run(run=run)
    settings.GMM_QUOTA_BYTES = services.usage(owner=owner).bytes
    with pytest.raises(QuotaExceeded) as refused:
        services.retry_run(run=run)
    assert refused.value.code == "quota_bytes"


def test_no_result_is_larger_than_what_is_kept_free_for_it(owner):
    image = factories.make_image(owner, factories.encoded(noise(200, 150)))
    for mapping in (
        {"n_clusters": 32, "max_iterations": 100, "tolerance": 1e-9},
        {"n_clusters": "auto"},
        {"preset": "regions"},
        {"preset": "regions", "n_clusters": 200},
    ):
        run = finished(services.create_run(image=image, recipe=Recipe.from_mapping(mapping)))
        assert run.result.bytes <= quotas.most_result_bytes(pixels=200 * 150)


def test_masks_that_no_run_takes_are_few_and_count(owner, image, media):
    for number in range(masks.MOST_MASKS):
        factories.make_mask(image, np.eye(36, 48, k=number, dtype=np.uint8) * 255)
    again = factories.make_mask(image, np.eye(36, 48, dtype=np.uint8) * 255)  # the same one is no other
    assert services.usage(owner=owner).bytes == beside_cache(media)
    with pytest.raises(QuotaExceeded) as refused:
        factories.make_mask(image, np.eye(36, 48, k=-3, dtype=np.uint8) * 255)
    assert refused.value.code == "quota_images"
    assert services.usage(owner=owner).bytes == beside_cache(media)
    factories.make_run(image, inputs=Inputs(mask=again))
    assert services.usage(owner=owner).bytes == beside_cache(media)


def test_a_mask_for_which_there_is_no_room_is_not_stored(owner, image, media, settings):
    settings.GMM_QUOTA_BYTES = before = beside_cache(media)
    with pytest.raises(QuotaExceeded) as refused:
        factories.make_mask(image)
    assert refused.value.code == "quota_bytes"
    assert beside_cache(media) == before


@pytest.fixture
def _patient(monkeypatch, settings):
    """Eight masks of one person are read one after the other, and may all wait for that."""
    settings.WEB_THREADS = 32
    monkeypatch.setattr("segmentation.services.processing_slots.WAIT_SECONDS", 300.0)


@pytest.mark.parametrize("what", ["the same mask", "other masks", "runs"])
@pytest.mark.usefixtures("_patient")
def test_eight_tabs_at_once_get_no_more_than_one_after_another(image, media, settings, what, monkeypatch):
    pictures = [np.eye(36, 48, k=k if what == "other masks" else 0, dtype=np.uint8) * 255 for k in range(8)]
    if what == "other masks":
        monkeypatch.setattr(masks, "MOST_MASKS", 3)
    if what == "runs":
        settings.GMM_QUOTA_BYTES = beside_cache(media) + 3 * quotas.most_result_bytes(pixels=48 * 36)
    start, refused = threading.Barrier(8), []

    def tab(mask):
        start.wait()
        try:
            factories.make_run(image) if what == "runs" else factories.make_mask(image, mask)
        except SegmentationError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=tab, args=(mask,)) for mask in pictures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {"the same mask": [], "other masks": ["quota_images"] * 5, "runs": ["quota_bytes"] * 5}
    assert refused == expected[what]
    assert services.usage(owner=image.owner).bytes == beside_cache(media)
    assert Job.objects.count() == (3 if what == "runs" else 0)


def test_the_display_picture_of_a_small_file_counts_before_it_is_stored(owner, media, settings):
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise(900, 900)).save(buffer, "WEBP", quality=1)
    settings.GMM_QUOTA_BYTES = 2 * len(buffer.getvalue())
    with pytest.raises(QuotaExceeded):
        services.upload_image(owner=owner, file=SimpleUploadedFile("a", buffer.getvalue()), name="a.webp")
    assert media.keys() == []


def test_files_are_under_no_key_that_the_figures_leave_out(finished_run, owner, media):
    look_at_everything(finished_run)
    keys = media.keys()
    assert {key.partition("/")[0] for key in keys} == {files.IMAGES, files.RUNS, files.CACHE}
