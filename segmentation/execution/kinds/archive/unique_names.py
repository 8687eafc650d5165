class UniqueNames:
    """Hands out each name once, ignoring case; a name that was given before becomes "name (2)"."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, name: str) -> str:
        """Return `name`, or the first free "name (n)"."""
        key = name.casefold()
        while key in self._given:
            self._given[key] += 1
            name_again = f"{name} ({self._given[key]})"
            if name_again.casefold() not in self._given:
                name, key = name_again, name_again.casefold()
        self._given[key] = 1
        return name
