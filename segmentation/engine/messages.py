"""Messages that are stored as a code with values, so that the application can translate them when it shows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for people, as a stable code and the values of its placeholders. Each subclass has its own sentences.

    Raises
    ------
    KeyError
        For a code that does not exist, or when a value of its sentence is missing.
    """

    templates: ClassVar[Mapping[str, str]]
    """English sentences by code, with ``%(name)s`` placeholders; `unknown`, with `code`, must be among them."""

    code: str
    values: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.sentence

    @property
    def template(self) -> str:
        """The English sentence with ``%(name)s`` placeholders for `values`; the application translates it."""
        return self.templates[self.code]

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.template % self.values

    def to_mapping(self) -> dict[str, Any]:
        """Return a JSON object; `from_mapping` is its inverse."""
        return {"code": self.code, "values": dict(self.values)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Return the message of a JSON object; one that only a newer release knows becomes `unknown`, with its code."""
        code = str(mapping["code"])
        try:
            return cls(code, dict(mapping.get("values", {})))
        except KeyError:
            return cls("unknown", {"code": code})
