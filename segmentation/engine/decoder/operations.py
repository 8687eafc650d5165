"""What the decoder does for its clients; nothing else can be asked of it."""

from collections.abc import Mapping
from typing import Any

from segmentation.engine.decoder import answers
from segmentation.engine.decoder.child import Operation, Work
from segmentation.engine.imaging import decode, inspect, masks


def _picture(work: Work) -> dict[str, Any]:
    picture = decode(work.data, name=work.name, limits=work.limits, reading=work.reading, on_header=work.on_header)
    return answers.pack_picture(picture, work.writer)


def _inspection(work: Work) -> dict[str, Any]:
    inspection = inspect(work.data, name=work.name, limits=work.limits, reading=work.reading, on_header=work.on_header)
    return answers.pack_inspection(inspection, work.writer)


def _mask(work: Work) -> dict[str, Any]:
    mask = masks.read(work.data, name=work.name, limits=work.limits, on_header=work.on_header)
    return answers.pack_mask(mask, work.writer)


def _mask_master(work: Work) -> dict[str, Any]:
    master = masks.master(work.data, name=work.name, limits=work.limits, on_header=work.on_header)
    return answers.pack_mask_master(master, work.writer)


OPERATIONS: Mapping[str, Operation] = {
    "picture": _picture,
    "inspection": _inspection,
    "mask": _mask,
    "mask_master": _mask_master,
}
