import itertools

import pytest

from segmentation.engine.progress import Stage, percent


def test_a_run_goes_from_0_to_100_percent():
    assert percent(Stage.READING, 0.0) == 0
    assert percent(Stage.WRITING, 1.0) == 100


def test_a_stage_begins_where_the_one_before_ends():
    for before, after in itertools.pairwise(Stage):
        assert percent(before, 1.0) == percent(after, 0.0)


def test_progress_never_falls_through_all_stages():
    told = [percent(stage, step / 50) for stage in Stage for step in range(51)]
    assert told == sorted(told)


@pytest.mark.parametrize("stage", Stage)
def test_a_fraction_beyond_its_stage_stays_inside_it(stage):
    assert percent(stage, -0.5) == percent(stage, 0.0)
    assert percent(stage, 7.0) == percent(stage, 1.0)
