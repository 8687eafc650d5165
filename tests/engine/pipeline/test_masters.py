import io
import zipfile

import numpy as np
import PIL.Image
import pytest

from segmentation.engine import pipeline


def picture(data, mode="RGB"):
    with PIL.Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert(mode))


def test_a_run_leaves_exactly_these_files(outcome):
    assert set(pipeline.masters(outcome)) == {"components.png", "binary.png", "thumbnail", "fit.npz"}


def test_the_pictures_agree_with_the_labels(outcome):
    files = pipeline.masters(outcome)
    labels = outcome.segmentation.labels
    foreground = np.array([cluster.foreground for cluster in outcome.legend.clusters])
    np.testing.assert_array_equal(picture(files["components.png"], "P"), labels)
    np.testing.assert_array_equal(picture(files["binary.png"], "L"), foreground[labels] * 255)


def test_the_history_of_the_fit_is_kept_without_loss(outcome):
    with np.load(io.BytesIO(pipeline.masters(outcome)["fit.npz"]), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["history"], outcome.segmentation.history)
        assert arrays["history"].dtype == np.float64


def test_two_runs_leave_the_same_bytes_and_no_date(run, pixels):
    one, two = pipeline.masters(run(pixels)), pipeline.masters(run(pixels))
    assert one == two
    with zipfile.ZipFile(io.BytesIO(one["fit.npz"])) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((30, 40), (40, 30)), ((480, 120), (120, 480)), ((2000, 5000), (480, 192)), ((4001, 7), (1, 480))],
)
def test_the_thumbnail_fits_into_480_pixels_and_is_never_enlarged(run, shape, expected):
    flat = np.full((*shape, 3), 40, dtype=np.uint8)
    flat[:, : max(1, shape[1] // 2)] = (200, 80, 20)
    thumbnail = picture(pipeline.masters(run(flat))["thumbnail"])
    height, width = thumbnail.shape[:2]
    assert (width, height) == pytest.approx(expected, abs=1)


def test_the_thumbnail_shows_the_clusters_and_is_transparent_where_there_is_no_data(run, translucent):
    outcome = run(translucent)
    thumbnail = picture(pipeline.masters(outcome)["thumbnail"], "RGBA").astype(int)
    assert thumbnail[:15, :25, 3].max() < 10
    for row, column, cluster in ((40, 25, 0), (55, 85, 1), (30, 67, 2)):
        colour = list(bytes.fromhex(outcome.legend.colours[cluster][1:]))
        assert np.abs(thumbnail[row, column] - [*colour, 255]).max() < 16
