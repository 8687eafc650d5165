"""Errors that a person can cause, each with a stable code and a sentence that says what to do.

Any other exception is a bug and is not caught.
"""

from collections.abc import Mapping


def gettext_noop(text: str) -> str:
    """Return a text unchanged; marks it for extraction by gettext, so that the application can translate it."""
    return text


class SegmentationError(Exception):
    """An error with a stable code and a sentence for people.

    Parameters
    ----------
    code : str
        One of the codes of the API contract, for example ``corrupt``.
    template : str
        The English sentence, with ``%(name)s`` placeholders for `values`. The application translates it before formatting.
    **values : str, int or float
        Values of the placeholders.
    """

    def __init__(self, code: str, template: str, **values: str | float) -> None:
        super().__init__(code, template)
        self.code = code
        self.template = template
        self.values: Mapping[str, str | float] = values

    def __str__(self) -> str:
        return self.template % self.values

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling, so that an error keeps its values when it is sent to another process."""
        return _rebuild, (type(self), self.code, self.template, dict(self.values))


def _rebuild(
    kind: type[SegmentationError], code: str, template: str, values: dict[str, str | float]
) -> SegmentationError:
    return kind(code, template, **values)


class Refusal(SegmentationError):
    """A file that is not accepted; nothing of it was stored."""


class BadRecipe(SegmentationError):
    """A recipe or inputs that cannot be parsed, or have a value out of range."""

    def __init__(self, code: str = "bad_recipe", template: str = "", **values: str | float) -> None:
        super().__init__(code, template, **values)


class ChildFailed(SegmentationError):
    """The sandboxed child process failed: `out_of_memory`, `deadline`, `crashed` or `internal_error`."""


class Busy(SegmentationError):
    """All child processes for short computations were busy for too long; the request can be repeated later."""
