"""Reasons for the number of clusters that was chosen automatically."""

from dataclasses import dataclass
from typing import ClassVar, Self

from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.messages import Message

_SENTENCES = {
    "best": gettext_noop(
        "The best number of clusters is %(n_clusters)s: with fewer, different colours share a cluster; with more, one colour "
        "is cut in two."
    ),
    "single": gettext_noop("The colours of this picture form one cluster: any more would only cut it into parts."),
    "largest": gettext_noop("The best number of clusters is %(n_clusters)s; larger numbers were not tried."),
    "one_nearly_as_good": gettext_noop(
        "The best number of clusters is %(n_clusters)s, but %(first)s is nearly as good: choose the one whose picture you prefer."
    ),
    "some_nearly_as_good": gettext_noop(
        "The best number of clusters is %(n_clusters)s, but %(first)s to %(last)s are nearly as good: choose the one whose "
        "picture you prefer."
    ),
    "unknown": gettext_noop("The number of clusters was chosen by a newer release (%(code)s)."),
}


@dataclass(frozen=True, slots=True)
class Reason(Message):
    """A message that says why a number of clusters was chosen."""

    templates: ClassVar = _SENTENCES

    @classmethod
    def of(cls, n_clusters: int, plateau: tuple[int, int], most_tried: int) -> Self:
        """Return the reason for a choice.

        Parameters
        ----------
        n_clusters : int
            The number with the largest criterion.
        plateau : two ints
            The smallest and the largest number that are nearly as good, with all between them.
        most_tried : int
            The largest number that was tried.
        """
        others = [n for n in range(plateau[0], plateau[1] + 1) if n != n_clusters]
        if len(others) == 1:
            return cls("one_nearly_as_good", {"n_clusters": n_clusters, "first": others[0]})
        if others:
            return cls("some_nearly_as_good", {"n_clusters": n_clusters, "first": others[0], "last": others[-1]})
        if n_clusters == 1:
            return cls("single")
        return cls("largest" if n_clusters == most_tried else "best", {"n_clusters": n_clusters})
