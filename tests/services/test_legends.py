import io
import itertools

import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

from segmentation import execution, files, services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import Recipe
from segmentation.exceptions import Conflict
from segmentation.models import Revision, Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def pixels(picture):
    if not isinstance(picture, bytes):
        with picture:
            return pixels(picture.read())
    with PIL.Image.open(io.BytesIO(picture)) as opened:
        return np.asarray(opened.convert("RGBA") if opened.mode == "P" else opened)


def component_map(run):
    with PIL.Image.open(io.BytesIO(files.read(run.result.files["components.png"]["key"]))) as opened:
        return np.asarray(opened)


def test_the_table_agrees_with_the_pixels_of_the_map(finished_run):
    rows = services.stored_result(run=finished_run).clusters
    counts = np.bincount(component_map(finished_run).ravel(), minlength=256)
    assert [row.pixels for row in rows] == [counts[row.index] for row in rows]
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert len({row.separated_colour for row in rows}) == len(rows)


def test_toggling_the_foreground_makes_a_revision_and_changes_the_binary_picture(finished_run, owner):
    before = services.stored_result(run=finished_run).clusters
    wanted = {row.index: not row.foreground for row in before}
    revision = services.edit_legend(run=finished_run, author=owner, expected=0, foreground=wanted)
    finished_run.refresh_from_db()
    assert (revision.number, revision.parent.number, revision.author, finished_run.revision) == (1, 0, owner, 1)
    after = services.stored_result(run=finished_run).clusters
    assert [row.foreground for row in after] == [not row.foreground for row in before]
    binary = pixels(services.open_artefact(run=finished_run, name="binary"))
    expected = np.isin(component_map(finished_run), [row.index for row in after if row.foreground]) * 255
    np.testing.assert_array_equal(binary, expected)


def test_a_revision_that_somebody_else_has_made_is_not_overwritten(finished_run, owner):
    services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: True})
    with pytest.raises(Conflict) as refused:
        services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: False})
    assert refused.value.code == "revision_conflict"
    assert Revision.objects.count() == 2


def test_a_cluster_that_does_not_exist_changes_nothing(finished_run, owner):
    with pytest.raises(SegmentationError) as refused:
        services.edit_legend(run=finished_run, author=owner, expected=0, foreground={31: True})
    assert refused.value.code == "invalid_request"
    finished_run.refresh_from_db()
    assert finished_run.revision == 0


def test_a_run_without_result_has_no_legend_to_edit(queued_run, owner):
    with pytest.raises(Conflict) as refused:
        services.edit_legend(run=queued_run, author=owner, expected=0, foreground={0: True})
    assert refused.value.code == "state_conflict"


def test_the_segmented_picture_shows_mean_colours_or_well_separated_ones(finished_run):
    rows = services.stored_result(run=finished_run).clusters
    for separated in (False, True):
        picture = pixels(
            services.open_artefact(run=finished_run, name="segmented", palette="separated" if separated else "")
        )
        labels = component_map(finished_run)
        for row in rows:
            colour = row.separated_colour if separated else row.mean_colour
            inside = picture[labels == row.index]
            assert {"#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in inside} == {colour}


def test_the_history_of_the_fit_never_falls(owner):
    image = factories.make_image(owner, factories.encoded(factories.shades()))
    recipe = Recipe(n_clusters=4, tolerance=1e-9, max_iterations=20)
    run = services.create_run(image=image, recipe=recipe)
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "result").get(pk=run.pk)
    history = services.fit_history(run=run)
    assert len(history) == run.result.iterations == 20
    assert all(later >= earlier for earlier, later in itertools.pairwise(history))
    assert history[-1] > history[0]
    assert history[-1] == pytest.approx(run.result.log_likelihood, abs=1e-3)


def test_merging_two_clusters_joins_their_pixels_sums_and_pictures(finished_run, owner):
    before = services.stored_result(run=finished_run).clusters
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 2))
    first, second = services.stored_result(run=finished_run).clusters
    assert first.components == (0, 2)
    assert second.components == (1,)
    assert first.pixels == before[0].pixels + before[2].pixels
    assert first.soft_pixels == pytest.approx(before[0].soft_pixels + before[2].soft_pixels)
    components = component_map(finished_run)
    rows, columns = np.nonzero(components != 1)
    assert first.box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    np.testing.assert_array_equal(pixels(services.open_artefact(run=finished_run, name="labels")), components == 1)
    segmented = pixels(services.open_artefact(run=finished_run, name="segmented"))
    shown = {"#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in segmented[components != 1]}
    assert shown == {first.mean_colour} == {first.colour}
    assert services.connected_regions(run=finished_run) == [
        ndimage.label(components != 1)[1], ndimage.label(components == 1)[1]
    ]  # fmt: skip


def test_a_cluster_may_be_taken_into_a_later_one_which_keeps_its_name(finished_run, owner):
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(2, 0))
    first, second = services.stored_result(run=finished_run).clusters
    assert (first.name, first.components) == ("Cluster 2", (1,))
    assert (second.name, second.components, second.colour) == ("Cluster 3", (0, 2), second.mean_colour)


def test_undo_goes_back_to_the_parent_and_a_later_edit_gets_a_number_of_its_own(finished_run, owner):
    before = services.stored_result(run=finished_run).clusters
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 1))
    merged = pixels(services.open_artefact(run=finished_run, name="labels"))
    assert services.undo_legend(run=finished_run, expected=1).number == 0
    finished_run.refresh_from_db()
    assert (finished_run.revision, services.stored_result(run=finished_run).clusters) == (0, before)
    edited = services.edit_legend(run=finished_run, author=owner, expected=0, merge=(1, 2))
    assert (edited.number, edited.parent.number) == (2, 0)
    assert (pixels(services.open_artefact(run=finished_run, name="labels")) != merged).any()


def test_undo_of_what_somebody_else_has_changed_or_nobody_has_is_refused(finished_run, owner):
    with pytest.raises(Conflict) as nothing:
        services.undo_legend(run=finished_run, expected=0)
    assert nothing.value.code == "state_conflict"
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 1))
    with pytest.raises(Conflict) as stale:
        services.undo_legend(run=finished_run, expected=0)
    assert stale.value.code == "revision_conflict"
    finished_run.refresh_from_db()
    assert finished_run.revision == 1


@pytest.mark.parametrize("pair", [(0, 0), (0, 3), (-1, 0)])
def test_a_merge_that_cannot_be_changes_nothing(finished_run, owner, pair):
    with pytest.raises(SegmentationError) as refused:
        services.edit_legend(run=finished_run, author=owner, expected=0, merge=pair)
    assert refused.value.code == "invalid_request"
    finished_run.refresh_from_db()
    assert (finished_run.revision, finished_run.revisions.count()) == (0, 1)
    assert services.stored_result(run=finished_run).clusters[2].components == (2,)


def test_results_of_earlier_releases_still_load(finished_run):
    for component in finished_run.result.components:
        del component["box"]
    finished_run.result.save()
    finished_run.refresh_from_db()
    assert [row.box for row in services.stored_result(run=finished_run).clusters] == [None] * 3
    labels = component_map(finished_run)
    assert services.connected_regions(run=finished_run) == [ndimage.label(labels == index)[1] for index in range(3)]


def test_the_thumbnail_follows_a_merge_and_not_a_change_of_foreground(finished_run, owner):
    def shown():
        with services.open_artefact(run=finished_run, name="thumbnail") as picture, PIL.Image.open(picture) as opened:
            return np.asarray(opened.convert("RGB")).astype(int)

    first = shown()
    services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: True, 1: True})
    np.testing.assert_array_equal(shown(), first)
    services.edit_legend(run=finished_run, author=owner, expected=1, merge=(0, 1))
    merged = services.stored_result(run=finished_run).clusters[0]
    inside = shown()[1:-1, 1:-1][np.isin(component_map(finished_run)[1:-1, 1:-1], merged.components)]
    expected = list(bytes.fromhex(merged.colour[1:]))
    assert np.median(np.abs(inside - expected).max(axis=1)) <= 6
