"""The notices of an image, which say what was converted, reduced or ignored when it was decoded."""

from django.utils.translation import gettext as _

from segmentation.engine.imaging import Notice
from segmentation.models import Image
from segmentation.services.uploads import NO_HEIC


def image_notices(*, image: Image) -> list[tuple[str, str]]:
    """Return the code of each notice of `image`, and its sentence in the active language."""
    stored = [Notice.from_mapping(mapping) for mapping in image.notices]
    sentences = [(notice.code, _(notice.template) % notice.values) for notice in stored]
    return sentences if image.is_readable else [("unreadable", _(NO_HEIC)), *sentences]
