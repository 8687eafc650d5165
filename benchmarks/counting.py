"""How often the number of phases is found, and how many pixels smoothing mislabels, on phantoms.

``python benchmarks/counting.py 100`` draws a hundred of each kind.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.phantoms import Phantom, Spec, make
from segmentation.engine.gmm import Recipe, segment

_BAYES_PIXELS = 20_000  # that the error of the true mixture is computed from


def phases(
    seed: int,
    *,
    n_phases: int | None = None,
    separation: float = 4.0,
    size: float | None = None,
    blur: float | None = None,
    smallest_area: float = 0.05,
) -> Phantom:
    """Draw phases in colour; what is not given is drawn, too: 2 to 6 phases, structures of 8 to 20 pixels, blur 0 to 1.2.

    Parameters
    ----------
    separation : float
        Smallest distance between two pure colours, in standard deviations of the noise.
    size, blur : float or None
        In pixels.
    smallest_area : float
        Share of the picture.
    """
    rng = np.random.default_rng(seed)
    n = n_phases or int(rng.integers(2, 7))
    areas = smallest_area + (1 - n * smallest_area) * rng.dirichlet(np.full(n, 2.0))
    width = rng.uniform(0, 1.2) if blur is None else blur
    return make(
        Spec(
            seed=seed,
            shape="blobs",
            areas=tuple(areas.tolist()),
            size=size or float(rng.uniform(8, 20)),
            blur=float(width),
            noise=1 / separation,
            colour="rgb",
        )
    )


def noisy(seed: int, *, n_phases: int = 3, size: float = 16.0, correlated: bool = False, error: float = 0.2) -> Phantom:
    """Draw phases of equal areas under so much noise that their true mixture mislabels a share `error` of the pixels."""
    spec = Spec(
        seed=seed,
        shape="blobs",
        areas=(1 / n_phases,) * n_phases,
        size=size,
        blur=0.0,
        colour="faint",
        side=384,
        extra="correlated" if correlated else "",
    )
    return make(replace(spec, noise=_noise_for(make(spec), error)))


def _noise_for(drawn: Phantom, error: float) -> float:
    """Return the noise, as a share of the smallest contrast, with which the true colours mislabel a share of the pixels."""
    rng = np.random.default_rng(drawn.spec.seed)
    whitening = np.linalg.inv(np.linalg.cholesky(drawn.correlation))
    n = drawn.spec.n_phases
    gaps = [np.linalg.norm(drawn.means[i] - drawn.means[j]) for i in range(n) for j in range(i)]
    means = drawn.means @ whitening.T / min(gaps)
    truth = rng.integers(0, n, _BAYES_PIXELS)
    white = rng.normal(size=(_BAYES_PIXELS, means.shape[1]))
    low, high = 0.02, 20.0
    for _ in range(40):
        noise = (low + high) / 2
        values = means[truth] + noise * white
        nearest = ((values[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        low, high = (low, noise) if (nearest != truth).mean() > error else (noise, high)
    return low


def mislabelled(labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the share of pixels whose label is not that of their phase, with labels renamed as suits them best."""
    n = max(int(labels.max()), int(truth.max())) + 1
    table = np.bincount(truth.ravel().astype(int) * n + labels.ravel(), minlength=n * n).reshape(n, n)
    return 1 - float(table[linear_sum_assignment(-table)].sum() / truth.size)


def number_found(drawn: Phantom, seed: int = 0) -> int:
    """Return how many clusters the engine finds in a phantom."""
    return segment(drawn.pixels, Recipe(n_clusters=None, seed=seed)).mixture.n_components


COUNTED: dict[str, Callable[[int], Phantom]] = {
    "2 to 6 phases, separation 4, structures of 8 to 20 pixels": phases,
    "separation 5": lambda seed: phases(seed, separation=5.0),
    "separation 3.5": lambda seed: phases(seed, separation=3.5),
    "structures of 5 pixels": lambda seed: phases(seed, size=5.0),
    "blur of 2 pixels": lambda seed: phases(seed, blur=2.0),
    "areas from 2 %": lambda seed: phases(seed, smallest_area=0.02),
}

SMOOTHED: dict[str, Callable[[int], Phantom]] = {
    "2 phases, structures of 16 pixels": lambda seed: noisy(seed, n_phases=2),
    "3 phases, structures of 16 pixels": noisy,
    "5 phases, structures of 16 pixels": lambda seed: noisy(seed, n_phases=5),
    "3 phases, structures of 24 pixels": lambda seed: noisy(seed, size=24.0),
    "3 phases, correlated noise": lambda seed: noisy(seed, correlated=True),
}


def found_of(draw: Callable[[int], Phantom], seeds: range) -> int:
    """Return in how many phantoms the true number of phases is found."""
    drawn = (draw(seed) for seed in seeds)
    return sum(number_found(one) == one.spec.n_phases for one in drawn)


def mislabelled_shares(draw: Callable[[int], Phantom], seeds: range) -> list[float]:
    """Return the share of the pixels of each phantom that smoothing mislabels."""
    shares = []
    for seed in seeds:
        drawn = draw(seed)
        result = segment(drawn.pixels, Recipe(n_clusters=drawn.spec.n_phases, smoothness=1.0, seed=seed))
        shares.append(mislabelled(result.labels, drawn.truth))
    return shares


def main(n: int = 100) -> None:
    """Print both tables."""
    for name, draw in COUNTED.items():
        begun = time.perf_counter()
        right = found_of(draw, range(n))
        _say(f"{right:4d} of {n} numbers found: {name} ({time.perf_counter() - begun:.0f} s)")
    for name, draw in SMOOTHED.items():
        shares = mislabelled_shares(draw, range(max(n // 20, 2)))
        _say(f"{100 * np.mean(shares):6.2f} % mislabelled of 20 % (worst {100 * np.max(shares):.2f}): {name}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
