"""Sums, terms and costs of regions, recomputed pixel by pixel in plain loops; slow, and independent of the package."""

import numpy as np

AROUND = ((1, 0), (0, 1), (-1, 0), (0, -1))


def draw_scene(shape=(24, 31), n_leaves=25, seed=0):
    """A small picture of many regions: what `build_graph` takes, as keywords."""
    rng = np.random.default_rng(seed)
    energy = rng.random((8, *shape), dtype=np.float32)
    posteriors = [np.moveaxis(rng.dirichlet(np.ones(k), shape), -1, 0).astype(np.float32) for k in (3, 5)]
    seeds = rng.integers(0, shape, (n_leaves, 2))
    cells = np.stack(np.indices(shape), axis=-1)
    leaves = ((cells[:, :, None] - seeds) ** 2).sum(axis=-1).argmin(axis=-1)
    leaves = np.unique(leaves, return_inverse=True)[1].reshape(shape)
    colours = (rng.normal(0, 10, (3, *shape)) + 30 * rng.random((3, len(seeds)))[:, leaves]).astype(np.float32)
    valid = rng.random(shape) < 0.8
    return {"labels": leaves, "colours": colours, "energy": energy, "posteriors": posteriors, "valid": valid}


class Oracle:
    """Answers for any label map whose regions are unions of the leaves of a scene."""

    def __init__(self, scene, graph):
        self.colours = scene["colours"].astype(np.float64)
        self.posteriors = [p.astype(np.float64) for p in scene["posteriors"]]
        self.leaves, self.valid = scene["labels"], scene["valid"]
        self.height, self.width = self.leaves.shape
        # The energy across a border follows the direction of the border between two leaves, so it is given by leaves.
        self.leaf_energies = {
            tuple(pair): energy / length
            for pair, (length, energy, _) in zip(graph.pairs.tolist(), graph.borders.tolist(), strict=True)
        }

    def neighbours(self, y, x):
        return [(y + v, x + u) for v, u in AROUND if 0 <= y + v < self.height and 0 <= x + u < self.width]

    def edge(self, y, x):
        return 4 - len(self.neighbours(y, x))

    def outline(self, inside):
        """Perimeter and sides at the edge of the picture of a region, given as a mask."""
        pixels = np.argwhere(inside)
        edge = sum(self.edge(y, x) for y, x in pixels)
        return edge + sum(not inside[there] for y, x in pixels for there in self.neighbours(y, x)), edge

    def border(self, one, other):
        """Length, energy and colour difference across the border of two regions, given as masks."""
        sums = np.zeros(3)
        for y, x in np.argwhere(one):
            for there in self.neighbours(y, x):
                if other[there]:
                    leaf = tuple(sorted((int(self.leaves[y, x]), int(self.leaves[there]))))
                    difference = np.linalg.norm(self.colours[:, y, x] - self.colours[(slice(None), *there)])
                    sums += 1, self.leaf_energies[leaf], difference
        return sums

    def plane(self, inside):
        """Variance of each colour around a plane in x and y, by ridge regression on centred positions."""
        y, x = np.argwhere(inside & self.valid).T / max(self.height, self.width) - 0.5
        positions = np.stack([x - x.mean(), y - y.mean()], axis=1)
        values = self.colours[:, inside & self.valid].T
        values = values - values.mean(axis=0)
        n = len(values)
        slopes = np.linalg.solve(positions.T @ positions / n + 1e-6 * np.eye(2), positions.T @ values / n)
        return (values**2).mean(axis=0) - (slopes * (positions.T @ values / n)).sum(axis=0)

    def gradients(self, inside):
        """Magnitudes m (n,) of the gradient of L* in a region, and directions t (n,)."""
        lightness = self.colours[0]
        found = []
        for y, x in np.argwhere(inside & self.valid):
            down = lightness[min(y + 1, self.height - 1), x] - lightness[max(y - 1, 0), x]
            right = lightness[y, min(x + 1, self.width - 1)] - lightness[y, max(x - 1, 0)]
            found.append((np.hypot(down, right) / 2, np.arctan2(down, right)))
        return np.array(found).T

    def orientation(self, inside):
        m, t = self.gradients(inside)
        return np.array([(m * f(n * t)).sum() / m.sum() for f in (np.cos, np.sin) for n in (2, 4)])

    def distance(self, one, other):
        """Mean over the mixtures of the Hellinger distance between the mean posteriors of two regions."""
        laws = [[p[:, inside & self.valid].mean(axis=1) for inside in (one, other)] for p in self.posteriors]
        return np.mean([np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2) for p, q in laws])

    def terms(self, one, other):
        """The eleven terms of `border_terms`, for two regions given as masks."""
        both, total = one | other, self.valid.sum()
        a, b = (np.count_nonzero(inside & self.valid) for inside in (one, other))
        length, energy, contrast = self.border(one, other)
        means = [self.colours[:, inside & self.valid].mean(axis=1) for inside in (one, other)]
        separate = (a * self.plane(one) + b * self.plane(other)) / (a + b)
        ramp = np.maximum(self.plane(both) - separate, 0).sum() / (4 * a * b / (a + b) ** 2 + 0.02)
        turned = self.orientation(one) - self.orientation(other)
        at_edge = [edge / perimeter for perimeter, edge in (self.outline(one), self.outline(other))]
        return [
            1,
            np.log(energy / length + 1e-4),
            np.log(self.distance(one, other) + 1e-4),
            np.log(a * b / ((a + b) * total)),
            np.log(length / np.sqrt(min(a, b))),
            0.5 * np.log(((means[0] - means[1]) ** 2).sum() + 1),
            np.log(contrast / length + 0.3),
            0.5 * np.log(separate.sum() + 1),
            min(at_edge),
            0.5 * np.log(ramp + 0.3),
            0.5 * np.log((turned**2).sum() + 0.01),
        ]

    def log_odds(self, one, other, weights):
        return sum(w * term for w, term in zip(weights, self.terms(one, other), strict=True))

    def product(self, one, other):
        """The cost of small regions; 0 for a region without valid pixels."""
        a, b = (np.count_nonzero(inside & self.valid) for inside in (one, other))
        if min(a, b) == 0:
            return 0.0
        length, energy, _ = self.border(one, other)
        size = a * b / ((a + b) * self.valid.sum())
        return energy / length * self.distance(one, other) * size**0.25 * (length / np.sqrt(min(a, b))) ** -0.25


def merged_masks(merging, labels, n_regions):
    """Merge down to a number of regions, and return the pixels (H, W) of each region by its number."""
    masks = dict(enumerate(labels == np.arange(labels.max() + 1)[:, None, None]))
    for new in range(len(masks), 2 * len(masks) - n_regions):
        _, one, other = merging.merge_cheapest()
        masks[new] = masks.pop(one) | masks.pop(other)
    return masks


def naive_tree(oracle, weights, first_regions):
    """Merge the cheapest pair of neighbours, by looking at every pair each time: merges and costs, and how many are products."""
    masks = {leaf: oracle.leaves == leaf for leaf in range(oracle.leaves.max() + 1)}
    pairs = set(oracle.leaf_energies)
    new, merges, costs, products, known = len(masks), [], [], 0, {}
    while len(masks) > 1:
        for pair in pairs - known.keys():
            one, other = (masks[i] for i in pair)
            known[pair] = oracle.product(one, other)
        pair = min(pairs, key=lambda pair: (known[pair], pair))
        if len(masks) <= first_regions and known[pair] > 0:
            break
        costs.append(known[pair])
        pairs = _join(pair, new, pairs, masks)
        merges.append(pair)
        new, products = new + 1, products + 1
    known = {}
    while len(masks) > 1:
        for pair in pairs - known.keys():
            known[pair] = oracle.log_odds(*(masks[i] for i in pair), weights)
        pair = min(pairs, key=lambda pair: (known[pair], pair))
        costs.append(known[pair])
        pairs = _join(pair, new, pairs, masks)
        merges.append(pair)
        new += 1
    return np.array(merges), np.array(costs), products


def _join(pair, new, pairs, masks):
    masks[new] = masks.pop(pair[0]) | masks.pop(pair[1])
    renamed = {tuple(sorted(new if i in pair else i for i in each)) for each in pairs - {pair}}
    assert all(one != other for one, other in renamed)
    return renamed


def straight_energy(leaves, energy, pair):
    """Sum of q E_a + (1 - q) max_n E_n over a border between two leaves, written out."""
    points, ends = [], []
    height, width = leaves.shape
    for y in range(height):
        for x in range(width):
            for v, u in ((y + 1, x), (y, x + 1)):
                if v < height and u < width and {int(leaves[y, x]), int(leaves[v, u])} == set(pair):
                    points.append(((y + v) / 2, (x + u) / 2))
                    ends.append(((y, x), (v, u)))
    (vy, vxy), (_, vx) = np.cov(np.array(points).T, ddof=0)
    q = np.sqrt((vx - vy) ** 2 + 4 * vxy**2) / (vx + vy + 0.3)
    turns = ((np.arctan2(2 * vxy, vx - vy) / 2 + np.pi / 2) / (np.pi / 8)) % 8
    below, share = int(turns) % 8, turns % 1
    total = 0.0
    for two in ends:
        along = max((1 - share) * energy[below, y, x] + share * energy[(below + 1) % 8, y, x] for y, x in two)
        total += q * along + (1 - q) * max(energy[:, y, x].max() for y, x in two)
    return total
