import io

import numpy as np
import pytest

from segmentation.engine import pipeline
from segmentation.engine.pipeline import replay
from segmentation.engine.recipe import Covariance, Preset, Recipe


def arrays_of(outcome):
    with np.load(io.BytesIO(pipeline.masters(outcome)["fit.npz"]), allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("recipe", [Recipe(n_clusters=3), Recipe(n_clusters=3, covariance="tied", smoothness=0.5)])
def test_a_fit_is_replayed_from_its_start_to_the_stored_mixture(run, pixels, recipe):
    outcome = run(pixels, recipe=recipe)
    found, segmentation = replay.frames(arrays_of(outcome), recipe.covariance), outcome.segmentation
    assert [frame.iteration for frame in found] == [*range(segmentation.iterations), segmentation.iterations]
    last = found[-1].mixture
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(last, name), getattr(segmentation.mixture, name), rtol=1e-9, atol=1e-9)
    values = pixels.reshape(-1, 3)
    for frame, level in zip(found[:-1], segmentation.history, strict=True):
        if not recipe.smoothness:
            assert frame.mixture.log_density(values).mean() == pytest.approx(level, abs=1e-6)


def test_a_long_path_is_thinned_to_its_limit_and_keeps_both_ends(run, pixels, monkeypatch):
    outcome = run(pixels, recipe=Recipe(n_clusters=6, tolerance=1e-9))
    monkeypatch.setattr(replay, "MAX_PATH_NUMBERS", 4 * 6 * 10)
    arrays = arrays_of(outcome)
    n = outcome.segmentation.iterations
    assert arrays["path"].shape == (4, 6, 10)
    assert (arrays["path_iterations"][0], *arrays["path_iterations"][-2:]) == (0, n - 1, n)
    np.testing.assert_array_equal(arrays["path"][0], outcome.segmentation.path[0])


def test_any_number_of_regions_is_cut_from_the_kept_tree(run, pixels):
    outcome = run(pixels, recipe=Recipe(preset=Preset.REGIONS, n_clusters=None))
    arrays = arrays_of(outcome)
    assert replay.frames(arrays, Covariance.FULL) == []
    n = len(arrays["tree_areas"])
    assert arrays["tree_merges"].shape == (n - 1, 2)
    assert arrays["tree_areas"].sum() == arrays["tree_leaves"].size
    assert np.isfinite(arrays["tree_costs"]).all()
    assert arrays["tree_scale"] == "log-odds"
    members = {leaf: {leaf} for leaf in range(n)}
    for number, (one, other) in enumerate(arrays["tree_merges"][: n - outcome.segmentation.hierarchy.n_regions]):
        members[n + number] = members.pop(one) | members.pop(other)
    regions = outcome.segmentation.hierarchy.regions
    assert sorted(sorted(leaves) for leaves in members.values()) == sorted(
        sorted(np.flatnonzero(regions == k).tolist()) for k in range(outcome.segmentation.hierarchy.n_regions)
    )
