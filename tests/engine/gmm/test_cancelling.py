"""An exception of the progress callback ends the computation within one EM evaluation, at any point."""

import numpy as np
import pytest

from segmentation.engine.gmm import Recipe, segment
from segmentation.engine.gmm.fit import em, quasi_newton
from segmentation.engine.gmm.regions import mixtures
from segmentation.engine.progress import percent

RECIPES = {
    "colours": Recipe(n_clusters=4),
    "from automatic choice": Recipe(n_clusters=None),
    "all pixels": Recipe(n_clusters=3, exact=True),
    "smoothed and cleaned": Recipe(n_clusters=3, smoothness=0.5, smallest_region=0.01),
    "with texture and position": Recipe(n_clusters=3, texture=1, position=True),
    "regions": Recipe(preset="regions", n_clusters=None),
}

AT_ONCE = dict.fromkeys(RECIPES, 1) | {"regions": 3}  # posteriors of a block are computed under all three mixtures


class Cancelled(Exception):
    pass


class Listener:
    """A progress callback that counts EM evaluations between its calls, and raises at the n-th call."""

    def __init__(self, monkeypatch, raise_at=None):
        self.told, self.since, self.most, self.raise_at = [], 0, 0, raise_at
        for module, name in ((em, "evaluate"), (quasi_newton, "evaluate"), (mixtures, "posterior")):
            monkeypatch.setattr(module, name, self.counted(getattr(module, name)))

    def counted(self, evaluate):
        def evaluated(*arguments, **options):
            self.since += 1
            self.most = max(self.most, self.since)
            return evaluate(*arguments, **options)

        return evaluated

    def __call__(self, stage, fraction):
        if self.raise_at == len(self.told):
            raise Cancelled
        self.told.append((stage, fraction))
        self.since = 0


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(0)
    pixels = rng.normal(90, 12, (420, 430, 3))
    pixels[:, 200:] += 70
    pixels[100:180, 100:330, 0] += 50
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", RECIPES)
def test_progress_is_reported_after_every_evaluation_and_never_falls(picture, monkeypatch, name):
    listener = Listener(monkeypatch)
    segment(picture, RECIPES[name], on_progress=listener)
    assert 0 < listener.most <= AT_ONCE[name]
    percents = [percent(*one) for one in listener.told]
    assert percents == sorted(percents)
    assert len(percents) > 20


@pytest.mark.parametrize("name", RECIPES)
def test_cancelling_ends_the_computation_at_any_point(picture, monkeypatch, name):
    whole = Listener(monkeypatch)
    segment(picture, RECIPES[name], on_progress=whole)
    for raise_at in np.linspace(0, len(whole.told) - 1, 5).astype(int).tolist():
        monkeypatch.undo()
        listener = Listener(monkeypatch, raise_at)
        with pytest.raises(Cancelled):
            segment(picture, RECIPES[name], on_progress=listener)
        assert len(listener.told) == raise_at
        assert listener.most <= AT_ONCE[name]
