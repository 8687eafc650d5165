"""A result is parsed once for each run that was read from the database, and follows its legend."""

import pytest

from segmentation import services
from segmentation.exceptions import Conflict
from segmentation.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_result_is_read_and_parsed_once(finished_run, django_assert_num_queries):
    with django_assert_num_queries(1):  # of the revision
        stored = services.stored_result(run=finished_run)
        for _ in range(3):
            assert services.stored_result(run=finished_run) is stored
            assert services.stored_result(run=finished_run).clusters is stored.clusters
            services.overlaps(run=finished_run)
    assert stored.mixture is services.stored_result(run=finished_run).mixture


def test_it_is_another_one_after_a_change_of_the_legend_and_of_another_request(finished_run, owner):
    before = services.stored_result(run=finished_run)
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 1))
    after = services.stored_result(run=finished_run)
    assert (len(before.clusters), len(after.clusters)) == (3, 2)
    assert services.stored_result(run=Run.objects.get(pk=finished_run.pk)) is not after


def test_statistics_of_clusters_are_those_of_the_table_and_of_the_answer(client, finished_run, owner):
    client.force_login(owner)
    clusters = services.stored_result(run=finished_run).clusters
    answer = client.get(f"/api/v1/runs/{finished_run.pk}").json()["clusters"]
    assert set(answer[0]) == {
        "index", "name", "colour", "mean_colour", "separated_colour", "foreground", "components", "pixels", "soft_pixels",
        "share", "box", "coverage", "area", "bands",
    }  # fmt: skip
    for cluster, given in zip(clusters, answer, strict=True):
        assert given["pixels"] == cluster.pixels
        assert given["components"] == list(cluster.components)
        assert given["box"] == list(cluster.box)
    assert sum(cluster.soft_share for cluster in clusters) == pytest.approx(1)


def test_a_run_without_a_result_has_none(queued_run):
    with pytest.raises(Conflict) as refused:
        services.stored_result(run=queued_run)
    assert refused.value.code == "state_conflict"
