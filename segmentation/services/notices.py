"""What was converted, reduced or ignored when a picture was read, in the reader's language."""

from django.utils.translation import gettext as _

from segmentation.engine.imaging import Notice
from segmentation.models import Image


def notices(*, image: Image) -> list[tuple[str, str]]:
    """Return the code and the sentence of each notice on `image`."""
    stored = [Notice.from_mapping(mapping) for mapping in image.notices]
    return [(notice.code, _(notice.template) % notice.values) for notice in stored]
