"""A person chooses how a file is read: which plane and channels, what is no data, what alpha means."""

import io

import numpy as np
import PIL.Image
import pytest
import tifffile
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation import execution, files, services
from segmentation.engine.exceptions import Refusal
from segmentation.engine.recipe import Alpha, Inputs, Reading, Recipe, Selection
from segmentation.exceptions import Conflict, QuotaExceeded
from segmentation.models import Image, Run

pytestmark = pytest.mark.django_db(transaction=True)

RECIPE = Recipe(n_clusters=2)


def stack():
    """Return two planes (Z) of two channels: left and right differ in the first, above and below in the second channel."""
    values = np.full((2, 2, 40, 60), 100, np.uint16)
    values[:, 0, :, 30:] = 900
    values[0, 1, 20:] = 900
    values[1, 1, 10:] = 900
    return values + np.random.default_rng(0).integers(0, 20, values.shape).astype(np.uint16)


@pytest.fixture
def microscopy(owner):
    file = io.BytesIO()
    tifffile.imwrite(file, stack(), ome=True, photometric="minisblack", metadata={"axes": "ZCYX"})
    return services.upload_image(owner=owner, file=SimpleUploadedFile("x", file.getvalue()), name="cells.ome.tif")


def finished(image, recipe=RECIPE, **more):
    run = services.create_run(image=image, recipe=recipe, **more)
    execution.serve_until_empty()
    return Run.objects.select_related("job", "image", "result").get(pk=run.pk)


def labels(run):
    return services.stored_result(run=run).labels


def displayed(image):
    return np.asarray(PIL.Image.open(io.BytesIO(files.read(image.rendition_key("display")))))


def test_what_the_file_holds_is_kept(microscopy):
    assert microscopy.metadata["layout"] == {
        "selection": {"series": 0, "z": 0, "t": 0, "channels": None},
        "axes": "ZCYX",
        "shape": [2, 2, 40, 60],
        "pictures": 1,
        "channel_names": [],
        "overviews": 0,
    }
    assert (microscopy.bands, microscopy.frames, microscopy.fitted_bands) == (2, 2, 2)


def test_another_plane_is_shown_and_segmented_and_runs_that_exist_stay_as_they_are(microscopy, media):
    first = finished(microscopy, inputs=Inputs(reading=Reading(selection=Selection(channels=(1,)))))
    before = labels(first).copy()
    services.change_reading(image=microscopy, reading=Reading(selection=Selection(z=1, channels=(1,))))
    microscopy.refresh_from_db()
    assert (microscopy.bands, microscopy.fitted_bands) == (1, 1)
    bright = displayed(microscopy)[..., 0] > 128
    np.testing.assert_array_equal(bright, np.arange(40)[:, None] >= np.full((40, 60), 10))
    second = finished(microscopy)
    np.testing.assert_array_equal(labels(second) == 1, bright)
    assert second.inputs["reading"]["selection"]["z"] == 1
    np.testing.assert_array_equal(labels(Run.objects.select_related("result").get(pk=first.pk)), before)
    kept = [key for key in sorted(media.keys()) if key.startswith(f"images/{microscopy.pk}/")]
    assert sorted(kept) == sorted(
        [files.image_key(microscopy.pk, "original"), *map(microscopy.rendition_key, ("display", "thumbnail"))]
    )


def test_pixels_and_maps_of_a_run_are_measured_as_the_file_was_read_for_it(microscopy):
    run = finished(microscopy)
    services.change_reading(image=microscopy, reading=Reading(selection=Selection(z=1, channels=(1,))))
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    report = services.pixel_report(run=run, x=40, y=5, actor=None)
    assert len(report.values) == 2
    with services.open_artefact(run=run, name="uncertainty", actor=None) as file:
        assert PIL.Image.open(file).size == (60, 40)


def test_no_data_and_alpha_are_chosen_alike(owner):
    values = np.dstack([np.full((20, 30, 3), 90, np.uint8), np.repeat([[60, 200]], 15, axis=1).repeat(20, axis=0)])
    file = io.BytesIO()
    tifffile.imwrite(file, values.astype(np.uint8), photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    image = services.upload_image(owner=owner, file=SimpleUploadedFile("x", file.getvalue()), name="aerial.tif")
    assert "alpha_as_mask" in [notice["code"] for notice in image.notices]
    services.change_reading(image=image, reading=Reading(alpha=Alpha.DATA))
    assert image.fitted_bands == 4
    run = finished(image)
    assert sorted(np.bincount(labels(run).ravel())) == [300, 300]
    services.change_reading(image=image, reading=Reading())
    assert (image.reading, image.fitted_bands) == (None, 3)


def test_a_plane_that_does_not_exist_changes_nothing(microscopy, media):
    before, keys = Image.objects.values().get(), media.keys()
    with pytest.raises(Refusal) as refused:
        services.change_reading(image=microscopy, reading=Reading(selection=Selection(z=2)))
    assert refused.value.code == "invalid_request"
    assert Image.objects.values().get() == before
    assert media.keys() == keys


def test_of_two_tabs_the_second_hears_of_the_first(microscopy, media):
    other = Image.objects.get(pk=microscopy.pk)
    services.change_reading(image=microscopy, reading=Reading(selection=Selection(z=1)))
    keys = media.keys()
    with pytest.raises(Conflict) as conflict:
        services.change_reading(image=other, reading=Reading(selection=Selection(channels=(1,))))
    assert conflict.value.code == "revision_conflict"
    assert media.keys() == keys


def test_pictures_of_another_size_need_an_upload_of_their_own_once_there_are_runs(owner):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(stack()[0, 0], metadata=None)
        writer.write(stack()[0, 0, :20], metadata=None)
    image = services.upload_image(owner=owner, file=SimpleUploadedFile("x", file.getvalue()), name="pages.tif")
    smaller = Reading(selection=Selection(series=1))
    services.change_reading(image=image, reading=smaller)
    assert image.height == 20
    services.change_reading(image=image, reading=Reading())
    finished(image)
    with pytest.raises(Conflict) as conflict:
        services.change_reading(image=image, reading=smaller)
    assert conflict.value.code == "state_conflict"


def test_renditions_count_in_the_quota_and_no_room_changes_nothing(microscopy, media, settings):
    services.change_reading(image=microscopy, reading=Reading(selection=Selection(z=1)))
    on_disk = sum(len(files.read(key)) for key in sorted(media.keys()))
    assert microscopy.stored_bytes == on_disk
    settings.GMM_QUOTA_BYTES, keys = on_disk + 10, media.keys()
    with pytest.raises(QuotaExceeded):
        services.change_reading(image=microscopy, reading=Reading())
    assert media.keys() == keys


def test_a_pixel_size_of_a_person_is_kept_and_can_be_removed(microscopy):
    size = services.parse_pixel_size("0.5 micron")
    services.change_pixel_size(image=microscopy, pixel_size=size)
    assert Image.objects.get().pixel_size == {"width": 0.5, "height": 0.5, "unit": "um", "source": "person"}
    services.change_pixel_size(image=microscopy, pixel_size=None)
    assert Image.objects.get().pixel_size is None
