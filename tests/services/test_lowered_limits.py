"""What was admitted at upload stays admitted, whatever the site admits today."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from segmentation import execution, services
from segmentation.engine.exceptions import Refusal
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.models import Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

HEIC = (Path(__file__).parents[1] / "engine" / "imaging" / "heic" / "quadrants.heic").read_bytes()
LOWERED = [("GMM_MAX_PIXELS", 1000), ("GMM_MAX_UPLOAD_BYTES", 500), ("GMM_MAX_DECODED_BYTES", 1000)]


def done(run):
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    assert run.succeeded, (run.job.error_code, run.job.error_detail)
    return run


def deep():
    """Return a 16-bit grey picture as a TIFF, whose decoded bytes are not those of 8-bit colours."""
    grey = factories.pixels()[:, :, 0].astype(np.uint16) * 257
    file = io.BytesIO()
    PIL.Image.fromarray(grey).save(file, "TIFF")
    return file.getvalue()


def palette():
    """Return a picture of one band whose pixels are three values once they are decoded."""
    file = io.BytesIO()
    PIL.Image.fromarray(factories.pixels()).quantize(8).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(params=["colours", "deep", "palette"])
def older(request, owner):
    """A picture that was uploaded under the default limits."""
    data, name = {"colours": (None, "a.png"), "deep": (deep(), "a.tif"), "palette": (palette(), "a.png")}[request.param]
    return factories.make_image(owner, data, name)


@pytest.mark.parametrize(("name", "value"), LOWERED)
def test_a_new_run_and_a_look_at_pixels_and_maps_need_no_more_than_the_upload(older, settings, name, value):
    first = done(factories.make_run(older))
    setattr(settings, name, value)
    again = done(factories.make_run(older))
    assert again.result.pixels_sha256 == first.result.pixels_sha256
    assert services.pixel_report(run=first, x=3, y=4).values
    assert services.open_artefact(run=again, name="uncertainty").read().startswith(b"\x89PNG")
    assert services.open_artefact(run=again, name="novelty").read().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "value"), LOWERED)
def test_a_run_with_a_mask_that_was_taken_before_the_limits_fell_is_done(image, settings, name, value):
    noisy = (np.random.default_rng(1).random((36, 48)) < 0.2).astype(np.uint8) * 255
    mask = factories.make_mask(image, noisy)
    setattr(settings, name, 50 if name == "GMM_MAX_UPLOAD_BYTES" else value)
    assert (
        done(factories.make_run(image, inputs=Inputs(mask=mask))).result.extras["left_out_pixels"] == (noisy > 0).sum()
    )


@pytest.mark.parametrize("name", ["GMM_MAX_PIXELS", "GMM_MAX_DECODED_BYTES"])
def test_an_older_picture_takes_a_mask_of_its_own_size(image, settings, name):
    setattr(settings, name, 1000)
    mask = factories.make_mask(image, np.dstack([factories.bar_mask()] * 3))
    assert done(factories.make_run(image, inputs=Inputs(mask=mask))).result.extras["left_out_pixels"] == 48 * 36 // 8


def test_new_pictures_are_still_refused_by_the_limits_of_today(image, settings):
    settings.GMM_MAX_PIXELS = 1000
    with pytest.raises(Refusal) as refused:
        factories.make_image(image.owner)
    assert refused.value.code == "too_many_pixels"


def test_where_heic_was_turned_off_older_pictures_say_so_and_keep_their_results(owner, settings):
    picture = factories.make_image(owner, HEIC, "a.heic")
    run, unseen = done(factories.make_run(picture)), done(factories.make_run(picture, seed=1))
    look = services.pixel_report(run=run, x=1, y=1)
    cancelled = factories.make_run(picture)
    services.cancel_run(run=cancelled)
    settings.GMM_HEIC = False
    says = "no longer reads HEIC"
    for refused in (
        lambda: services.create_run(image=picture, recipe=Recipe()),
        lambda: services.retry_run(run=cancelled),
    ):
        with pytest.raises(Refusal, match=says) as raised:
            refused()
        assert raised.value.code == "unsupported_format"
    assert says in dict(services.image_notices(image=picture))["unreadable"]
    assert services.pixel_report(run=run, x=1, y=1) == look, "its values were read before"
    assert services.pixel_report(run=unseen, x=1, y=1).colour == look.colour, (
        "the values of a picture are kept for all its runs"
    )
    assert services.open_artefact(run=run, name="segmented").startswith(b"\x89PNG")
    later = factories.make_image(owner)
    assert done(factories.make_run(later)), "pictures of other formats are as they were"
