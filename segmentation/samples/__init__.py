"""The built-in sample pictures, which are freely licensed: one for each usual kind of picture."""

from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample picture with its title, author and licence."""

    file: str  # in this folder
    title: str | Promise
    width: int
    height: int
    author: str
    licence: str
    source: str  # where it was published

    @property
    def path(self) -> Path:
        """The path of the picture at full size."""
        return _FOLDER / self.file

    @property
    def slug(self) -> str:
        """The name of the sample in URLs."""
        return self.path.stem

    @property
    def preview(self) -> Path:
        """The path of a preview: a WebP of 192 x 128 pixels, cropped to that shape."""
        return _FOLDER / "previews" / f"{self.slug}.webp"


SAMPLES: tuple[Sample, ...] = (
    Sample(
        file="china.jpg",
        title=gettext_lazy("photograph of a pagoda"),
        width=640,
        height=427,
        author="danielbuechele",
        licence="CC BY 2.0",
        source="https://www.flickr.com/photos/danielbuechele/6061409035/",
    ),
    Sample(
        file="ihc.png",
        title=gettext_lazy("stained tissue (immunohistochemistry)"),
        width=512,
        height=512,
        author="Center for Microscopy and Molecular Imaging",
        licence="no known copyright restrictions",
        source="https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.immunohistochemistry",
    ),
    Sample(
        file="cell.png",
        title=gettext_lazy("grey micrograph of a cell"),
        width=550,
        height=660,
        author="Paul Müller",
        licence="CC0",
        source="https://doi.org/10.1364/OE.26.010729",
    ),
    Sample(
        file="coffee.png",
        title=gettext_lazy("cup of coffee"),
        width=600,
        height=400,
        author="Rachel Michetti",
        licence="CC0",
        source="https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.coffee",
    ),
    Sample(
        file="coins.png",
        title=gettext_lazy("grey photograph of coins"),
        width=384,
        height=303,
        author="Brooklyn Museum Collection",
        licence="no known copyright restrictions",
        source="https://www.brooklynmuseum.org/opencollection/archives/image/51611",
    ),
)
