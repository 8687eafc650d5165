"""Operations on images and masks."""

import uuid
from http import HTTPStatus

from ninja import File, Router, Status
from ninja.files import UploadedFile

from segmentation import services
from segmentation.api.problems import ERRORS
from segmentation.api.schemas import ImageEdit, ImageOut, MaskOut
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.recipe import Reading
from segmentation.http import SignedInRequest, get_changeable, get_deletable, get_visible_or_404
from segmentation.models import Image

router = Router(tags=["images"])


@router.post("", response={HTTPStatus.CREATED: ImageOut, **ERRORS}, url_name="images")
def upload(request: SignedInRequest, image: File[UploadedFile]) -> Status[ImageOut]:
    """Store a picture (multipart field `image`)."""
    stored = services.upload_image(owner=request.user, file=image, name=image.name or "")
    return Status(HTTPStatus.CREATED, ImageOut.of(stored))


@router.get("/{uuid:image_id}", response={HTTPStatus.OK: ImageOut, **ERRORS}, url_name="image")
def describe(request: SignedInRequest, image_id: uuid.UUID) -> ImageOut:
    """Return an image: its file, the notices about conversions, and links to its pictures."""
    return ImageOut.of(get_visible_or_404(Image.objects.all(), user=request.user, pk=image_id))


@router.patch("/{uuid:image_id}", response={HTTPStatus.OK: ImageOut, **ERRORS})
def edit(request: SignedInRequest, image_id: uuid.UUID, body: ImageEdit) -> ImageOut:
    """Change how the file is read; results that exist keep the way in which they were made, and have areas by the new size."""
    image = get_changeable(Image.objects.all(), user=request.user, pk=image_id)
    given = body.model_dump(exclude_unset=True)
    has_size = "pixel_size" in given
    size = given.pop("pixel_size", None)
    pixel_size = None if size is None else services.pixel_size_in_unit(**size)
    if given:
        reading = Reading.from_mapping(image.parsed_reading.to_mapping() | given)
        services.change_reading(image=image, reading=reading, actor=request.user)
    if has_size:
        services.change_pixel_size(image=image, pixel_size=pixel_size, actor=request.user)
    return ImageOut.of(image)


@router.post("/{uuid:image_id}/masks", response={HTTPStatus.CREATED: MaskOut, **ERRORS}, url_name="masks")
def upload_mask(
    request: SignedInRequest, image_id: uuid.UUID, mask: File[UploadedFile | None] = None
) -> Status[MaskOut]:
    """Store a mask for runs of an image (multipart field `mask`): a PNG, TIFF, BMP or GIF of the same size.

    Pixels that are not black are left out. A mask that no run uses is deleted after a day.
    """
    image = get_changeable(
        Image.objects.all(), user=request.user, pk=image_id
    )  # before the field is checked, so that others get 404 in any case
    if mask is None:
        raise SegmentationError("invalid_request", gettext_noop("Send the mask in the multipart field “mask”."))
    stored = services.upload_mask(image=image, file=mask, name=mask.name or "", actor=request.user)
    return Status(HTTPStatus.CREATED, MaskOut(**{name: getattr(stored, name) for name in MaskOut.model_fields}))


@router.delete("/{uuid:image_id}", response={HTTPStatus.NO_CONTENT: None, **ERRORS})
def delete(request: SignedInRequest, image_id: uuid.UUID) -> Status[None]:
    """Delete an image with all its runs permanently."""
    image = get_deletable(Image.objects.all(), user=request.user, pk=image_id)
    services.delete_image(image=image, actor=request.user)
    return Status(HTTPStatus.NO_CONTENT, None)
