"""What was converted, reduced or ignored when a picture was read, in the reader's language."""

from django.utils.translation import gettext as _

from segmentation.engine.imaging import Notice
from segmentation.models import Image
from segmentation.services.uploads import NO_HEIC


def notices(*, image: Image) -> list[tuple[str, str]]:
    """Return the code and the sentence of each notice on `image`."""
    stored = [Notice.from_mapping(mapping) for mapping in image.notices]
    said = [(notice.code, _(notice.template) % notice.values) for notice in stored]
    return said if image.is_readable else [("unreadable", _(NO_HEIC)), *said]
