"""Compare user names as people see them: whether two look the same, and whether one mixes scripts.

This follows Unicode Technical Standard 39 and uses its table of confusable characters.
"""

import unicodedata

LONGEST_SKELETON = 300
_COMMON_SCRIPTS = {"COMMON", "INHERITED"}
_ALLOWED_MIXTURES = (  # of scripts, as in UTS 39, "Highly Restrictive"
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)


def skeleton(name: str) -> str:
    """Return the skeleton of a name (UTS 39): two names look the same if their skeletons are equal.

    Each character is replaced by the representative of the characters that look like it. Case is ignored. The result has at
    most `LONGEST_SKELETON` characters.
    """
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(_representative(character) for character in folded).casefold()[:LONGEST_SKELETON]


def mixes_scripts(name: str) -> bool:
    """Return whether a name mixes scripts that no language writes together, such as Latin and Cyrillic."""
    from confusable_homoglyphs import categories  # noqa: PLC0415 - importing it reads a large table

    scripts = {categories.alias(character) for character in name} - _COMMON_SCRIPTS
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _ALLOWED_MIXTURES)


def _representative(character: str) -> str:
    """Return the character, or characters, that represent all those that look like this one.

    The table has for a character either its representative, or all characters that it represents.
    """
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415 - importing it reads a megabyte

    similar = confusables_data.get(character, [])
    if len(similar) != 1:
        return character
    other: str = similar[0]["c"]
    if len(confusables_data.get(other, [])) > 1:
        return other
    # The two represent each other: take the shorter, then the smaller one
    return min(character, other, key=lambda text: (-len(text), text))
