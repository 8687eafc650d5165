"""TIFF files with a place on earth, made of the tags that GDAL writes for them (compared with rasterio once)."""

from tests.engine.imaging.pictures import grey, tiff


def geotiff(*, keys, scale=None, points=None, matrix=None, doubles=None, text=None, values=None, **options):
    """A TIFF with geo keys: triples of key, tag and count, and value; `text` and `doubles` are what they point to."""
    directory = (1, 1, 0, len(keys), *(number for key in keys for number in key))
    tags = [(34735, "H", len(directory), directory, True)]
    for code, numbers in ((33550, scale), (33922, points), (34264, matrix), (34736, doubles)):
        if numbers is not None:
            tags.append((code, "d", len(numbers), tuple(numbers), True))
    if text is not None:
        tags.append((34737, "s", 0, text, True))
    extra = options.pop("extratags", [])
    return tiff(grey((6, 8)) if values is None else values, metadata=None, extratags=tags + extra, **options)


def utm(**options):
    """Pixels of 10 m in UTM zone 33 north, of which the corner stands at 500000, 5000000."""
    given = {
        "keys": [(1024, 0, 1, 1), (1025, 0, 1, 1), (1026, 34737, 22, 0), (3072, 0, 1, 32633), (3076, 0, 1, 9001)],
        "scale": (10, 10, 0),
        "points": (0, 0, 0, 500_000, 5_000_000, 0),
        "text": "WGS 84 / UTM zone 33N|",
    }
    return geotiff(**(given | options))


def degrees(**options):
    """Pixels of a thousandth of a degree, from 10 degrees east and 50 degrees north."""
    given = {
        "keys": [(1024, 0, 1, 2), (1025, 0, 1, 1), (2048, 0, 1, 4326), (2054, 0, 1, 9102)],
        "scale": (0.001, 0.001, 0),
        "points": (0, 0, 0, 10, 50, 0),
    }
    return geotiff(**(given | options))


def user_defined(**options):
    """Pixels of 100 US feet in a system that only its parameters describe."""
    given = {
        "keys": [(1024, 0, 1, 1), (1025, 0, 1, 1), (3072, 0, 1, 32767), (3076, 0, 1, 9003)],
        "scale": (100, 100, 0),
        "points": (0, 0, 0, 0, 0, 0),
    }
    return geotiff(**(given | options))
