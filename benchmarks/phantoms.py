"""Draw pictures whose phases are known: compositions of 2 to 6 phases with blur, noise and what else goes wrong in pictures.

A phantom is made in this order: phases are drawn three times as fine as pixels; each pixel is covered by each phase to some
share; the shares are blurred (optics: pixels on borders are mixed); the colour is linear in the shares; noise is added whose
variance is that of the phases by share; then shading, outliers, saturation and quantisation.
"""

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree

Float = NDArray[np.float64]
Phases = NDArray[np.uint8]
Value = TypeVar("Value")

FINE = 3
"""Points along the side of a pixel."""

SIZES = (2, 3, 4, 6, 9, 14, 24, 40, 60)
BLURS = (0.0, 0.5, 1.0, 1.5, 2.5)
NOISES = (0.05, 0.1, 0.2, 1 / 3)
SHAPES = ("discs", "lines", "polygons", "voronoi", "field", "blobs")
COLOURS = ("grey", "grey", "rgb", "rgb", "rgb", "bands")
EXTRAS = ("poisson", "correlated", "shading", "quantised", "outliers", "saturated", "hot")

_RANGES = {
    "rgb": (40, 215, 55, 3, 200.0, 255),
    "faint": (108, 148, 12, 3, 200.0, 255),
    "bands": (1500, 12000, 4000, 5, 12000.0, 65535),
}
"""Of pure colours: lowest and highest value, smallest contrast, bands, divisor for real numbers, and the largest value."""

_MIN_SHARE = 0.1  # of the wanted area; a phase that others have painted over further than that is drawn again


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a phantom is made of."""

    seed: int
    shape: str = "discs"  # one of `SHAPES`
    areas: tuple[float, ...] = (0.9, 0.1)  # wanted shares; the first is the background
    size: float = 12.0  # pixels: diameter of discs, width of lines, grain, or half a wavelength
    blur: float = 1.0  # standard deviation in pixels
    noise: float = 0.1  # standard deviation, as a share of the smallest contrast
    unequal: float = 1.0  # ratio of the largest to the smallest standard deviation of the phases
    colour: str = "grey"  # grey, rgb, faint (rgb with little contrast), or bands (5 bands of 16 bits)
    side: int = 256
    extra: str = ""  # one of `EXTRAS`, or nothing

    @property
    def n_phases(self) -> int:
        return len(self.areas)

    @property
    def is_resolvable(self) -> bool:
        """Whether pure pixels of every phase can be seen: structures wider than their blur, above the noise."""
        return self.size >= max(2 * self.blur + 3, 4) and self.noise < 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A picture and what it shows."""

    spec: Spec
    pixels: NDArray[np.generic]  # (H, W) or (H, W, B)
    coverage: NDArray[np.float32]  # (K, H, W) share of each pixel that each phase covers, before the blur
    means: Float  # (K, D) pure colours, in units of the picture
    deviations: Float  # (K,) standard deviation of the noise of each phase
    correlation: Float = field(repr=False)  # (D, D) covariance of noise with standard deviation 1

    @property
    def areas(self) -> Float:
        """Share of the picture that each phase covers."""
        shares: Float = self.coverage.mean(axis=(1, 2), dtype=np.float64)
        return shares

    @property
    def truth(self) -> Phases:
        """The phase that covers most of each pixel."""
        phases: Phases = self.coverage.argmax(axis=0).astype(np.uint8)
        return phases


def make(spec: Spec) -> Phantom:
    """Draw a phantom; the same spec gives the same picture."""
    rng = np.random.default_rng([spec.seed, 77])
    fine = _composition(spec, rng)
    n = spec.side
    parts = [(fine == k).reshape(n, FINE, n, FINE) for k in range(spec.n_phases)]
    coverage = np.stack([part.mean(axis=(1, 3), dtype=np.float32) for part in parts])
    seen = np.stack([gaussian_filter(one, spec.blur, mode="reflect") for one in coverage]) if spec.blur else coverage
    means, unit, top = _colours(spec, rng)
    deviations, smallest = _deviations(spec, means, top, rng)
    correlation = _correlation(means.shape[1], rng)
    image = np.einsum("khw,kd->hwd", seen, means.astype(np.float32)).astype(np.float64)
    white = rng.normal(size=image.shape)
    if spec.extra == "correlated":
        white = gaussian_filter(white, (0.8, 0.8, 0), mode="wrap")
        white /= white.std()
    deviation = np.sqrt(np.einsum("khw,k->hw", seen, (deviations**2).astype(np.float32)))
    image += deviation[..., None] * (white @ np.linalg.cholesky(correlation).T)
    image = _damaged(image, spec, means.max() + 0.3 * spec.noise * smallest, top, rng)
    if spec.extra == "hot":
        pixels: NDArray[np.generic] = (image / unit).astype(np.float32)
        means, deviations = means / unit, deviations / unit
    else:
        pixels = np.clip(np.rint(image), 0, top).astype(np.uint16 if top > 255 else np.uint8)
    return Phantom(spec, pixels[..., 0] if means.shape[1] == 1 else pixels, coverage, means, deviations, correlation)


def specs(n: int, seed: int) -> list[Spec]:
    """Return a suite of n specs in which every property is drawn evenly, and independently of the others.

    The suite depends on n: the first m of it are not the suite of m.
    """
    rng = np.random.default_rng([seed, 5])

    def even(values: tuple[Value, ...]) -> list[Value]:
        return [values[i % len(values)] for i in rng.permutation(n)]

    sizes, blurs, noises, shapes = even(SIZES), even(BLURS), even(NOISES), even(SHAPES)
    numbers, colours, unequals = even((2, 2, 2, 3, 3, 4, 5, 6)), even(COLOURS), even((1.0, 1.0, 2.0, 5.0))
    return [
        Spec(
            seed=seed * 100_000 + i,
            shape=shapes[i],
            areas=_areas(numbers[i], shapes[i], rng),
            size=float(sizes[i]),
            blur=blurs[i],
            noise=noises[i],
            unequal=unequals[i],
            colour=colours[i],
        )
        for i in range(n)
    ]


def extra_specs(n_each: int, seed: int) -> list[Spec]:
    """Return n specs of each of `EXTRAS`, of moderate sizes and noises."""
    found = []
    for number, extra in enumerate(EXTRAS):
        moderate = [one for one in specs(n_each * 8, seed * 50 + number) if one.size >= 4 and one.noise <= 0.25]
        suited = [one for one in moderate if extra != "hot" or one.colour != "bands"]
        found += [replace(one, extra=extra) for one in suited[:n_each]]
    return found


def shown(phantom: Phantom) -> NDArray[np.uint8]:
    """Return a phantom as a picture that can be looked at, (H, W, 3)."""
    values = phantom.pixels.astype(np.float64)
    values = values[..., None].repeat(3, 2) if values.ndim == 2 else values[..., :3]
    low, high = np.percentile(values, [0.2, 99.8])
    picture: NDArray[np.uint8] = np.clip((values - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    return picture


def _areas(n_phases: int, shape: str, rng: np.random.Generator) -> tuple[float, ...]:
    while True:
        if n_phases == 2:
            small = rng.choice([0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5])
            areas = np.array([1 - small, small])
        else:
            areas = rng.dirichlet(np.full(n_phases, 1.2))
        if areas.min() >= 0.0099 and areas.max() < 0.995:
            break
    if shape in {"discs", "lines", "polygons"}:
        areas = np.sort(areas)[::-1]
        areas = np.concatenate([areas[:1], rng.permutation(areas[1:])])
    return tuple(areas.tolist())


def _damaged(image: Float, spec: Spec, saturation: float, top: int, rng: np.random.Generator) -> Float:
    """Return a picture with shading, outliers, saturation or quantisation."""
    n = spec.side
    if spec.extra == "shading":
        y, x = np.mgrid[:n, :n] / n - 0.5
        angle = rng.uniform(0, 2 * np.pi)
        image = image * (1 + 0.15 * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    if spec.extra in {"outliers", "hot"}:
        many = max(int(n * n * (2e-3 if spec.extra == "outliers" else 1e-4)), 3)
        rows, columns = rng.integers(0, n, (2, many))
        wild = rng.uniform(0, top, (many, image.shape[2])) if spec.extra == "outliers" else top * 40.0
        image[rows, columns] = wild
    if spec.extra == "saturated":
        image = np.minimum(image, saturation)
    if spec.extra == "quantised":
        image = np.rint(image / (top / 31)) * (top / 31)
    return image


def _deviations(spec: Spec, means: Float, top: int, rng: np.random.Generator) -> tuple[Float, float]:
    """Return the standard deviation of each phase (K,), and the smallest contrast."""
    n = spec.n_phases
    smallest = min(float(np.linalg.norm(means[i] - means[j])) for i in range(n) for j in range(i))
    deviations = np.ones(n)
    if spec.unequal > 1:
        deviations = np.exp(rng.permutation(np.linspace(-0.5, 0.5, n)) * np.log(spec.unequal))
    if spec.extra == "poisson":
        deviations = np.sqrt(np.maximum(means.mean(axis=1), top * 0.02))
    return deviations / np.sqrt((deviations**2).mean()) * spec.noise * smallest, smallest


def _colours(spec: Spec, rng: np.random.Generator) -> tuple[Float, float, int]:
    """Return pure colours (K, D), a divisor for real numbers, and the largest value."""
    n = spec.n_phases
    if spec.colour == "grey":
        levels = np.linspace(45, 210, n) + rng.uniform(-0.15, 0.15, n) * 165 / max(n - 1, 1)
        if n == 2:
            levels = np.array([rng.uniform(50, 90), rng.uniform(130, 200)])
        levels = rng.permutation(levels) if spec.shape != "field" or rng.random() < 0.5 else np.sort(levels)
        return levels[:, None], 200.0, 255
    low, high, gap, n_bands, unit, top = _RANGES[spec.colour]
    while True:
        means = rng.uniform(low, high, (n, n_bands))
        gaps = np.linalg.norm(means[:, None] - means[None], axis=2) + 1e9 * np.eye(n)
        if gaps.min() > gap:
            return means, unit, top


def _correlation(dimension: int, rng: np.random.Generator) -> Float:
    if dimension == 1:
        return np.ones((1, 1))
    factor = rng.normal(size=(dimension, dimension)) * 0.5 + np.eye(dimension)
    covariance = factor @ factor.T
    scaled: Float = covariance / np.trace(covariance) * dimension
    return scaled


def _composition(spec: Spec, rng: np.random.Generator) -> Phases:
    """Return the phase (n, n) of every fine point; drawn again while a phase is nearly painted over."""
    wanted = np.array(spec.areas)
    while True:
        fine = _composed(spec.shape, spec.side * FINE, spec.size * FINE, wanted, rng)
        shares = np.bincount(fine.ravel(), minlength=spec.n_phases) / fine.size
        if (shares >= _MIN_SHARE * wanted).all():
            return fine


def _composed(shape: str, n: int, size: float, wanted: Float, rng: np.random.Generator) -> Phases:
    if shape == "voronoi":
        return _voronoi(n, size, wanted, rng)
    if shape == "field":
        heights = _field(n, size, rng)
        return np.digitize(heights, np.quantile(heights, np.cumsum(wanted)[:-1])).astype(np.uint8)
    if shape == "blobs":
        return _blobs(n, size, wanted, rng)
    canvas = np.zeros((n, n), np.uint8)
    for k in np.argsort(-wanted[1:]) + 1:
        have, want, tries = 0, float(wanted[k]) * n * n, 0
        while have < want and tries < 20_000:
            tries += 1
            part, inside = _thing(shape, n, size, rng)
            have += int(np.count_nonzero(inside & (canvas[part] != k)))
            canvas[part][inside] = k
    return canvas


def _blobs(n: int, size: float, wanted: Float, rng: np.random.Generator) -> Phases:
    fields = np.stack([_field(n, size, rng) for _ in wanted])
    shift = np.zeros(len(wanted))
    few = fields[:, :: FINE * 2, :: FINE * 2]
    for _ in range(60):
        share = np.bincount((few + shift[:, None, None]).argmax(axis=0).ravel(), minlength=len(wanted)) / few[0].size
        shift += 0.5 * (np.log(wanted + 0.003) - np.log(share + 0.003))
    phases: Phases = (fields + shift[:, None, None]).argmax(axis=0).astype(np.uint8)
    return phases


def _thing(shape: str, n: int, size: float, rng: np.random.Generator) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return a part of the canvas, and which of its points a random disc, polygon or line covers."""
    cy, cx = rng.uniform(0, n, 2)
    if shape == "lines":
        angle, half = rng.uniform(0, np.pi), min(rng.uniform(3, 40) * size, n)
        reach = half + size
    else:
        reach = size * 1.2 + 2
    top, left = max(int(cy - reach), 0), max(int(cx - reach), 0)
    bottom, right = min(int(cy + reach) + 1, n), min(int(cx + reach) + 1, n)
    part = np.s_[top:bottom, left:right]
    y, x = np.ogrid[top:bottom, left:right]
    y, x = y - cy, x - cx
    if shape == "lines":
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        return part, (np.abs(across) < size / 2) & (np.abs(along) < half)
    if shape == "discs":
        return part, y**2 + x**2 <= (size / 2) ** 2
    sides, turn = rng.integers(3, 7), rng.uniform(0, 2 * np.pi)
    inside = np.ones((bottom - top, right - left), np.bool_)
    for side in range(sides):
        angle = turn + 2 * np.pi * side / sides
        inside &= x * np.cos(angle) + y * np.sin(angle) <= size / 2 * rng.uniform(0.8, 1.1)
    return part, inside


def _field(n: int, size: float, rng: np.random.Generator) -> Float:
    """Return a smooth random field of unit variance whose structures are about `size` wide."""
    sigma = size / 2.2
    step = max(int(sigma // 3), 1)
    m = -(-n // step)
    small: Float = gaussian_filter(rng.normal(size=(m, m)), sigma / step, mode="wrap")
    small /= small.std()
    return (zoom(small, step, order=3, mode="grid-wrap", grid_mode=True) if step > 1 else small)[:n, :n]


def _voronoi(n: int, size: float, wanted: Float, rng: np.random.Generator) -> Phases:
    n_cells = max(int((n / size) ** 2), 12)
    tree = cKDTree(rng.uniform(0, n, (n_cells, 2)))
    points = np.indices((n, n)).reshape(2, -1).T
    owner = np.asarray(tree.query(points)[1], np.int32)
    sizes = np.bincount(owner, minlength=n_cells) / len(owner)
    phase, have = np.zeros(n_cells, np.uint8), np.zeros(len(wanted))
    for cell in rng.permutation(n_cells):
        k = int((wanted - have).argmax())
        phase[cell] = k
        have[k] += sizes[cell]
    return phase[owner].reshape(n, n)
