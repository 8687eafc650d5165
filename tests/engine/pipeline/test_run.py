import hashlib
import io

import numpy as np
import PIL.Image
import pytest

from segmentation.engine import pipeline
from segmentation.engine.exceptions import Refusal, SegmentationError
from segmentation.engine.gmm import segment
from segmentation.engine.imaging import Limits
from segmentation.engine.progress import Stage, percent
from segmentation.engine.recipe import Recipe


def component_map(outcome):
    with PIL.Image.open(io.BytesIO(outcome.components_png)) as picture:
        return np.asarray(picture)


def test_the_pipeline_gives_what_the_engine_gives_for_the_decoded_pixels(run, pixels):
    outcome = run(pixels, recipe=Recipe(n_clusters=4, seed=3))
    alone = segment(pixels, Recipe(n_clusters=4, seed=3))
    np.testing.assert_array_equal(outcome.segmentation.labels, alone.labels)
    np.testing.assert_array_equal(component_map(outcome), alone.labels)
    np.testing.assert_array_equal(outcome.segmentation.mixture.means, alone.mixture.means)


def test_the_three_objects_in_the_picture_are_found(outcome):
    labels = outcome.segmentation.labels
    assert labels[30, 25] == 0  # the dark disc
    assert labels[2, 2] == 1  # the ground
    assert labels[30, 67] == 2  # the bright bar
    assert [cluster.foreground for cluster in outcome.legend.clusters] == [True, False, True]


def test_the_outcome_says_what_it_was_made_of(run, pixels):
    data = io.BytesIO()
    PIL.Image.fromarray(pixels).save(data, "BMP")
    outcome = run(data.getvalue(), name="phantom.bmp")
    assert (outcome.name, outcome.size) == ("phantom.bmp", len(data.getvalue()))
    assert outcome.sha256 == hashlib.sha256(data.getvalue()).hexdigest()
    assert (outcome.header.format, outcome.header.width, outcome.header.height) == ("BMP", 90, 60)
    assert outcome.recipe == Recipe(n_clusters=3, seed=7)


def test_two_runs_give_the_same_bytes_and_another_seed_may_not(run, pixels):
    one, two = run(pixels), run(pixels)
    assert one.components_png == two.components_png
    assert one.pixels_sha256 == two.pixels_sha256
    assert one.legend == two.legend


def test_the_hash_of_the_map_is_of_its_shape_type_and_values():
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    expected = hashlib.sha256(b"uint8 2 3\n" + bytes([0, 1, 2, 3, 4, 5])).hexdigest()
    assert pipeline.pixels_sha256(labels) == expected
    assert pipeline.pixels_sha256(np.asfortranarray(labels)) == expected
    assert pipeline.pixels_sha256(labels.reshape(3, 2)) != expected


def test_transparent_pixels_are_no_data_and_are_not_counted(run, pixels, translucent):
    outcome = run(translucent)
    labels = outcome.segmentation.labels
    hidden = translucent[..., 3] == 0
    assert (labels[hidden] == 255).all()
    assert (labels[~hidden] < 3).all()
    assert outcome.segmentation.valid_pixels == (~hidden).sum()
    assert sum(component.pixels for component in outcome.segmentation.components) == (~hidden).sum()
    assert outcome.notices


def test_a_picture_without_visible_pixels_is_refused(run, translucent):
    translucent[..., 3] = 0
    with pytest.raises(SegmentationError) as refused:
        run(translucent)
    assert refused.value.code == "empty"


def test_a_picture_in_one_colour_has_one_cluster(run):
    outcome = run(np.full((5, 8, 3), (10, 200, 30), dtype=np.uint8), recipe=Recipe(n_clusters=5))
    (cluster,) = outcome.legend.clusters
    assert (cluster.colour, cluster.foreground) == ("#0ac81e", True)
    assert (outcome.segmentation.labels == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (17, 1)])
def test_the_smallest_pictures_are_segmented(run, shape):
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert run(picture).segmentation.labels.shape == shape


def test_limits_are_kept(run, pixels):
    with pytest.raises(Refusal) as refused:
        run(pixels, limits=Limits(bytes=10**9, pixels=60 * 90 - 1, decoded_bytes=10**9))
    assert refused.value.code == "too_many_pixels"


def test_a_damaged_file_is_refused(run):
    with pytest.raises(Refusal):
        run(b"\x89PNG\r\n\x1a\n and then nothing")


def test_progress_goes_through_all_stages_and_never_back(run, pixels):
    told = []
    run(pixels, on_progress=lambda stage, fraction: told.append((stage, fraction)))
    assert list(dict.fromkeys(stage for stage, _ in told)) == list(Stage)
    percents = [percent(stage, fraction) for stage, fraction in told]
    assert percents == sorted(percents)


def test_every_stage_took_its_time(outcome):
    assert set(outcome.seconds) == {stage.value for stage in Stage}
    assert all(seconds > 0 for seconds in outcome.seconds.values())


def test_what_progress_raises_ends_the_run(run, pixels):
    class Stopped(Exception):
        pass

    def stop(stage, _fraction):
        if stage is Stage.FITTING:
            raise Stopped

    with pytest.raises(Stopped):
        run(pixels, on_progress=stop)
