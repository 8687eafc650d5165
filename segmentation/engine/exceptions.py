"""What a person can cause, as a small vocabulary: a stable code and a sentence that says what to do.

Everything else that goes wrong is a bug and is left to raise.
"""

from collections.abc import Mapping


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation by whoever shows it; returns it unchanged."""
    return text


class SegmentationError(Exception):
    """An error with a stable code and a sentence for people.

    Parameters
    ----------
    code : str
        One of the codes of the API contract, for example ``corrupt``.
    template : str
        The English sentence, with ``%(name)s`` places for `values`. Whoever shows it may translate it first.
    **values : str, int or float
        What the places stand for.
    """

    def __init__(self, code: str, template: str, **values: str | float) -> None:
        super().__init__(code, template)
        self.code = code
        self.template = template
        self.values: Mapping[str, str | float] = values

    def __str__(self) -> str:
        return self.template % self.values

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process borders with their values."""
        return _rebuild, (type(self), self.code, self.template, dict(self.values))


def _rebuild(
    kind: type[SegmentationError], code: str, template: str, values: dict[str, str | float]
) -> SegmentationError:
    return kind(code, template, **values)


class Refusal(SegmentationError):
    """A file that is not taken; nothing of it was stored."""


class BadRecipe(SegmentationError):
    """A recipe that does not parse or is out of range."""

    def __init__(self, code: str = "bad_recipe", template: str = "", **values: str | float) -> None:
        super().__init__(code, template, **values)


class ChildFailed(SegmentationError):
    """The limited child process did not return: `out_of_memory`, `deadline`, `crashed` or `internal_error`."""


class Busy(SegmentationError):
    """All places for short computations were taken for too long; trying again later helps."""
