"""Numbers as the pages write them: a true minus, narrow spaces, units."""

_MINUS, _NARROW = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"


def number(value: float, decimals: int) -> str:
    """Return a number with a true minus.

    >>> number(-12.8788, 2)
    '−12.88'
    """
    return f"{value:.{decimals}f}".replace("-", _MINUS)


def thousands(count: int) -> str:
    """Return a whole number in groups of three.

    >>> thousands(96615) == "96\N{NARROW NO-BREAK SPACE}615"
    True
    """
    return f"{count:,}".replace(",", _NARROW).replace("-", _MINUS)


def seconds(value: float) -> str:
    """Return a duration: hundredths below ten seconds, tenths below a minute, minutes above.

    >>> seconds(2.237) == "2.24\N{NARROW NO-BREAK SPACE}s"
    True
    """
    if value >= 60:
        whole = round(value)
        return f"{whole // 60}{_NARROW}min {whole % 60:02d}{_NARROW}s"
    return f"{value:.{2 if value < 10 else 1}f}{_NARROW}s"
