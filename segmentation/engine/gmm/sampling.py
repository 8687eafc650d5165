"""A seeded sample of a picture's pixels, spread evenly over its colours."""

import numpy as np

from segmentation.engine.gmm.colours import Colours


def thin(colours: Colours, n: int, rng: np.random.Generator) -> Colours:
    """Draw n of the pixels, one from each of n equal stretches of the pixels in order of their codes.

    Stratified sampling (Cochran, 1977, chapter 5): each colour is drawn as often as its share says, to within two, and
    where pixels stand in the picture plays no part. Where there are at most n colours, all pixels of all of them are
    returned: they cost no more than a sample.

    Parameters
    ----------
    colours : Colours
    n : int
        Size of the sample, at least 1.
    rng : numpy.random.Generator
        Decides the place in each stretch.
    """
    if len(colours) <= n:
        return colours
    last = colours.counts.astype(np.int64)
    np.cumsum(last, out=last)  # pixels up to and with each colour; in place, as there may be ten million
    places = (np.arange(n) + rng.random(n)) * (float(last[-1]) / n)
    drawn = np.minimum(np.searchsorted(last, places.astype(np.int64), side="right"), len(colours) - 1)
    kept, counts = np.unique(drawn, return_counts=True)
    return Colours(colours.codes[kept], counts.astype(np.uint32))
