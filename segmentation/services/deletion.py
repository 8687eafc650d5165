"""Deleting for good. The rows' files go with them on commit: `segmentation.models.cleanup`."""

from segmentation.models import Image, Run


def delete_image(*, image: Image) -> None:
    """Delete an image with its runs. A worker that is busy with one stops at its next beat."""
    image.delete()


def delete_run(*, run: Run) -> None:
    """Delete one run; its image stays."""
    run.delete()
