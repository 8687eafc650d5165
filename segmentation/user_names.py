"""User names as people see them: whether two look the same, and whether one mixes scripts to look like another.

After Unicode Technical Standard 39, with its table of characters that are easily confused.
"""

import unicodedata

LONGEST_SKELETON = 300
_EVERYWHERE = {"COMMON", "INHERITED"}
_WRITTEN_TOGETHER = (
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)


def skeleton(name: str) -> str:
    """Return what names that look the same have in common: each character replaced by the plainest that looks like it.

    Case plays no part. At most `LONGEST_SKELETON` characters.
    """
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(_plainest(character) for character in folded).casefold()[:LONGEST_SKELETON]


def mixes_scripts(name: str) -> bool:
    """Return whether letters of several scripts stand in a name that nobody writes together, as Latin and Cyrillic."""
    from confusable_homoglyphs import categories  # noqa: PLC0415 - reads its table when it is imported

    scripts = {categories.alias(character) for character in name} - _EVERYWHERE
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


def _plainest(character: str) -> str:
    """Return the character, or characters, that stand for all that look like this one.

    The table names for a character either the one that stands for it, or all for which it stands.
    """
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415 - reads a megabyte when it is imported

    alike = confusables_data.get(character, [])
    if len(alike) != 1:
        return character
    other: str = alike[0]["c"]
    if len(confusables_data.get(other, [])) > 1:
        return other
    return min(character, other, key=lambda text: (-len(text), text))  # just the two of them
