"""What the file of a picture contains besides pixels: its layout, what has no data, and the size and the place of pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from segmentation.engine.imaging.georeference import Georeference
from segmentation.engine.imaging.layout import Layout, NoData
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource
from segmentation.engine.recipe import Selection

if TYPE_CHECKING:
    from segmentation.engine.imaging.decoding import Picture
    from segmentation.engine.imaging.inspection import Inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDescription:
    """What a file contains besides pixels, as it was read for a picture or for a run."""

    layout: Layout | None = None  # None: not known, since an earlier release has read the file
    no_data: NoData | None = None  # None: all pixels have data
    pixel_size: PixelSize | None = None
    pixel_size_suggested: PixelSize | None = None  # by a resolution; for people to confirm
    georeference: Georeference | None = None

    @classmethod
    def of(cls, picture: "Picture | Inspection") -> Self:
        """Return the description of a file that was decoded or inspected."""
        return cls(
            layout=picture.layout,
            no_data=picture.no_data,
            pixel_size=picture.pixel_size,
            pixel_size_suggested=picture.pixel_size_suggested,
            georeference=picture.georeference,
        )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written; what is null or missing is not known. Other fields are ignored."""

        def parsed(name: str, parse: Any) -> Any:
            return None if mapping.get(name) is None else parse(mapping[name])

        return cls(
            layout=parsed("layout", Layout.from_mapping),
            no_data=parsed("no_data", NoData.from_mapping),
            pixel_size=parsed("pixel_size", PixelSize.from_mapping),
            pixel_size_suggested=parsed("pixel_size_suggested", PixelSize.from_mapping),
            georeference=parsed("georeference", Georeference.from_mapping),
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the description as a JSON object; `from_mapping` is its inverse."""
        return {
            name: None if (value := getattr(self, name)) is None else value.to_mapping()
            for name in ("layout", "no_data", "pixel_size", "pixel_size_suggested", "georeference")
        }

    def fields(self) -> dict[str, Any]:
        """Return the description as `input` of run.json and the API have it; what is not known is null."""
        layout = self.layout
        return {
            "selection": (Selection() if layout is None else layout.selection).to_mapping(),
            "axes": None if layout is None else layout.axes,
            "shape": None if layout is None else list(layout.shape),
            "channel_names": [] if layout is None else list(layout.channel_names),
            "overviews": None if layout is None else layout.overviews,
            **{name: value for name, value in self.to_mapping().items() if name != "layout"},
        }

    @property
    def has_size_of_person(self) -> bool:
        """Whether a person has given the size of a pixel."""
        return self.pixel_size is not None and self.pixel_size.source is SizeSource.PERSON
