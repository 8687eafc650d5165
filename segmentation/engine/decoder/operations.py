"""The operations that clients can request from the decoder process."""

from collections.abc import Mapping
from typing import Any

from segmentation.engine.decoder import answers
from segmentation.engine.decoder.child import Operation, OperationInput
from segmentation.engine.imaging import decode, inspect, masks


def _picture(arguments: OperationInput) -> dict[str, Any]:
    """Decode a picture."""
    picture = decode(
        arguments.data,
        name=arguments.name,
        limits=arguments.limits,
        reading=arguments.reading,
        on_header=arguments.on_header,
    )
    return answers.pack_picture(picture, arguments.writer)


def _inspection(arguments: OperationInput) -> dict[str, Any]:
    """Decode an uploaded picture, and make its renditions."""
    inspection = inspect(
        arguments.data,
        name=arguments.name,
        limits=arguments.limits,
        reading=arguments.reading,
        on_header=arguments.on_header,
    )
    return answers.pack_inspection(inspection, arguments.writer)


def _mask(arguments: OperationInput) -> dict[str, Any]:
    """Decode a mask."""
    mask = masks.read(arguments.data, name=arguments.name, limits=arguments.limits, on_header=arguments.on_header)
    return answers.pack_mask(mask, arguments.writer)


def _mask_master(arguments: OperationInput) -> dict[str, Any]:
    """Decode an uploaded mask, and encode it for storage."""
    master = masks.master(arguments.data, name=arguments.name, limits=arguments.limits, on_header=arguments.on_header)
    return answers.pack_mask_master(master, arguments.writer)


OPERATIONS: Mapping[str, Operation] = {
    "picture": _picture,
    "inspection": _inspection,
    "mask": _mask,
    "mask_master": _mask_master,
}
"""Operations by the name that a request has."""
