import io

import numpy as np
import PIL.Image
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation import execution, files, services
from segmentation.engine.exceptions import BadRecipe, SegmentationError
from segmentation.engine.imaging import masks
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import QuotaExceeded, RateLimited, StorageUnavailable
from segmentation.models import Job, Run
from segmentation.models.jobs import State
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mask(image):
    return factories.make_mask(image)


def done(run):
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    assert run.succeeded, (run.job.error_code, run.job.error_detail)
    return run


def labels(run):
    with PIL.Image.open(io.BytesIO(files.read(run.result.files["components.png"]["key"]))) as picture:
        return np.asarray(picture)


def test_a_mask_waits_with_its_image_as_a_clean_png(image, mask):
    kept = files.read(files.mask_key(image.pk, mask))
    assert kept == masks.encode(factories.bar_mask() != 0)


def test_a_run_leaves_out_what_the_mask_says_and_keeps_a_copy_of_it(image, mask):
    run = done(factories.make_run(image, 2, inputs=Inputs(mask=mask)))
    np.testing.assert_array_equal(labels(run) == 255, factories.bar_mask() != 0)
    assert run.result.extras["left_out_pixels"] == 48 * 36 // 8
    assert files.read(files.run_input_key(run.pk, mask)) == files.read(files.mask_key(image.pk, mask))
    assert Inputs.from_mapping(run.inputs) == Inputs(mask=mask)


def test_the_same_inputs_give_the_same_bytes(image, mask, finished_run):
    one, two = (done(factories.make_run(image, 3, inputs=Inputs(mask=mask), begin=finished_run)) for _ in range(2))
    for name in ("components.png", "binary.png", "thumbnail"):
        assert one.result.files[name]["sha256"] == two.result.files[name]["sha256"]


def test_a_run_that_begins_with_a_finished_one_keeps_its_result_and_names_it(finished_run):
    run = services.create_run(image=finished_run.image, recipe=Recipe(n_clusters=None, seed=9), begin=finished_run)
    assert (run.parent, run.n_clusters, Recipe.from_mapping(run.recipe)) == (
        finished_run,
        3,
        Recipe(n_clusters=3, seed=9),
    )
    run = done(run)
    assert (labels(run) == labels(finished_run)).mean() > 0.99
    assert run.result.iterations <= 12


def test_a_run_that_begins_with_one_of_a_deep_picture_knows_its_units(finished_run):
    result = finished_run.result
    result.extras["features"] = {
        "names": ["red", "green", "blue"],
        "offset": [90.0] * 3,
        "scale": [16.0] * 3,
        "step": [0.1] * 3,
    }
    result.save()
    run = services.create_run(image=finished_run.image, recipe=Recipe(n_clusters=None), begin=finished_run)
    assert run.inputs["schema"] == 3
    assert run.inputs["mixture"] == result.mixture | {"units": {"offset": [90.0] * 3, "scale": [16.0] * 3}}


def test_a_run_can_begin_with_a_result_from_before_units_were_kept(finished_run):
    result = finished_run.result
    del result.extras["features"]
    result.save()
    run = services.create_run(image=finished_run.image, recipe=Recipe(n_clusters=None), begin=finished_run)
    assert run.inputs["mixture"] == result.mixture


def test_a_mask_that_was_swept_is_taken_from_an_earlier_run(image, mask):
    factories.make_run(image, inputs=Inputs(mask=mask))
    files.delete_prefix(f"{files.image_prefix(image.pk)}/masks")
    later = factories.make_run(image, inputs=Inputs(mask=mask))
    assert files.exists(files.run_input_key(later.pk, mask))


def test_each_run_has_a_copy_of_its_own(image, mask):
    first, second = (factories.make_run(image, inputs=Inputs(mask=mask)) for _ in range(2))
    services.delete_run(run=first)
    assert not files.exists(files.run_input_key(first.pk, mask))
    assert files.exists(files.run_input_key(second.pk, mask))


def test_retrying_finds_the_mask_again(image, mask, media):
    """The run fails once, because its picture cannot be read, and its attempt is cleared away."""
    run = factories.make_run(image, 2, inputs=Inputs(mask=mask))
    original = files.image_key(image.pk, "original")
    picture = files.read(original)
    media.replace(original, b"")
    execution.serve_until_empty()
    run.job.refresh_from_db()
    assert (run.job.state, run.job.error_code) == (State.FAILED, "empty")
    media.replace(original, picture)
    services.retry_run(run=run)
    assert done(run).result.extras["left_out_pixels"] == 48 * 36 // 8


def test_a_run_whose_mask_was_altered_fails_with_a_reason(image, mask, media):
    run = factories.make_run(image, 2, inputs=Inputs(mask=mask))
    media.replace(files.run_input_key(run.pk, mask), masks.encode(factories.bar_mask() == 0))
    execution.serve_until_empty()
    run.job.refresh_from_db()
    assert (run.job.state, run.job.error_code) == (State.FAILED, "corrupt")
    assert "start a new run with the mask" in run.job.error_detail


@pytest.mark.parametrize("gone", ["run", "image", "owner"])
def test_masks_go_with_what_they_belong_to(image, mask, media, gone):
    run = factories.make_run(image, inputs=Inputs(mask=mask))
    assert files.run_input_key(run.pk, mask) in media.keys("runs")
    {"run": run, "image": image, "owner": image.owner}[gone].delete()
    left = {key for key in media.keys("") if "mask" in key or "inputs" in key}
    assert left == ({files.mask_key(image.pk, mask)} if gone == "run" else set())


def test_a_mask_of_another_picture_is_none_of_this_one(image, mask, stranger):
    for other in (factories.make_image(image.owner), factories.make_image(stranger)):
        with pytest.raises(SegmentationError) as refused:
            factories.make_run(other, inputs=Inputs(mask=mask))
        assert refused.value.code == "invalid_request"
        assert "upload it again" in str(refused.value)
    assert not Run.objects.exists()


def test_a_run_that_is_refused_leaves_no_copy_of_the_mask(image, mask, media, settings):
    before = media.keys()
    settings.GMM_QUOTA_ACTIVE_RUNS = 0
    with pytest.raises(QuotaExceeded):
        factories.make_run(image, inputs=Inputs(mask=mask))
    assert media.keys() == before
    assert not Job.objects.exists()


def test_a_storage_that_takes_no_copy_means_no_run(image, mask, media):
    with media.closed("runs"), pytest.raises(StorageUnavailable):
        factories.make_run(image, inputs=Inputs(mask=mask))
    assert not Run.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"no picture", "unsupported_format"),
        (factories.encoded(factories.bar_mask(), "JPEG"), "unsupported_format"),
        (factories.encoded(np.full((36, 48), 255, np.uint8)), "empty"),
        (factories.encoded(factories.bar_mask())[:60], "corrupt"),
        (factories.encoded(factories.bar_mask(49, 36)), "invalid_request"),
    ],
)
def test_what_is_no_mask_for_the_picture_is_refused_and_not_stored(image, data, code, media):
    before = media.keys()
    with pytest.raises(SegmentationError) as refused:
        services.upload_mask(image=image, file=SimpleUploadedFile("m", data), name="m")
    assert refused.value.code == code
    assert media.keys() == before


def test_a_mask_with_another_extension_is_taken(image):
    data = factories.encoded(factories.bar_mask())
    by_name = [
        services.upload_mask(image=image, file=SimpleUploadedFile("m", data), name=name)
        for name in ("mask.png", "mask.tif")
    ]
    assert by_name[0] == by_name[1]


def test_masks_count_as_uploads(image, settings):
    settings.GMM_RATE_UPLOADS = 1
    with pytest.raises(RateLimited):
        factories.make_mask(image)


def test_only_a_finished_run_of_colours_of_the_same_picture_can_be_the_start(finished_run, owner):
    image = finished_run.image
    regions = done(services.create_run(image=image, recipe=Recipe.from_mapping({"preset": "regions"})))
    cancelled = factories.make_run(image)
    services.cancel_run(run=cancelled)
    for begin, of in ((cancelled, image), (regions, image), (finished_run, factories.make_image(owner))):
        with pytest.raises(SegmentationError) as refused:
            services.create_run(image=of, recipe=Recipe(n_clusters=None), begin=begin)
        assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"n_clusters": 5}, "has 3 clusters, not 5"),
        ({"n_clusters": 3, "features": "lab"}, "used other features"),
        ({"preset": "regions"}, "The preset Regions takes no starting mixture"),
    ],
)
def test_a_start_must_suit_the_recipe(finished_run, recipe, says):
    with pytest.raises(BadRecipe, match=says):
        services.create_run(image=finished_run.image, recipe=Recipe.from_mapping(recipe), begin=finished_run)
    assert Run.objects.count() == 1


def test_a_given_mixture_is_looked_at_before_the_run_waits(finished_run):
    mixture = finished_run.result.mixture | {"covariances": [[[1, 2, 0], [2, 1, 0], [0, 0, 1]]] * 3}
    inputs = Inputs.from_mapping({"mixture": mixture})
    with pytest.raises(SegmentationError, match="positive definite"):
        services.create_run(image=finished_run.image, recipe=Recipe(), inputs=inputs)
    both = Inputs.from_mapping({"mixture": finished_run.result.mixture})
    with pytest.raises(BadRecipe, match="not both"):
        services.create_run(image=finished_run.image, recipe=Recipe(), inputs=both, begin=finished_run)


def test_masks_in_use_are_listed_once_the_newest_first(image, mask):
    other = factories.make_mask(image, factories.bar_mask()[::-1])
    for each in (mask, other, mask, None):
        last = factories.make_run(image, inputs=Inputs(mask=each))
    factories.make_run(image, inputs=Inputs(mask=None))
    used = services.masks_in_use(runs=Run.objects.filter(image=image))
    assert [one.sha256 for one in used] == [mask, other]
    assert used[0].run_id != last.pk


def test_masks_are_read_as_pictures_are(image):
    """A mask of one bit, as some programs save them."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(factories.bar_mask()).convert("1").save(buffer, "TIFF", compression="group4")
    file = SimpleUploadedFile("m", buffer.getvalue())
    assert services.upload_mask(image=image, file=file, name="mask.tif").sha256 == factories.make_mask(image)
