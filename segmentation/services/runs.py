"""Starting, cancelling and retrying runs. Each is one row changed by compare-and-set."""

from django.db import transaction

from segmentation import tasks
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import Conflict
from segmentation.models import Image, Job, Run
from segmentation.services.quotas import require_free_run


@transaction.atomic
def create_run(*, image: Image, recipe: Recipe, parent: Run | None = None) -> Run:
    """Queue a run of `recipe` on `image`; it belongs to the image's owner.

    Raises
    ------
    QuotaExceeded
        When the owner has too many active runs.
    SegmentationError
        With `not_found`, when the image has been deleted meanwhile.
    """
    require_free_run(owner=image.owner)
    if not Image.objects.filter(pk=image.pk).exists():
        raise SegmentationError("not_found", gettext_noop("This picture was deleted meanwhile."))
    job = Job(owner=image.owner)
    job.save(force_insert=True)
    run = Run(
        job=job,
        image=image,
        parent=parent,
        recipe=recipe.to_mapping(),
        inputs=Inputs().to_mapping(),
        n_clusters=recipe.n_clusters,
    )
    run.save(force_insert=True)
    tasks.ring_on_commit()
    return run


def cancel_run(*, run: Run) -> None:
    """Cancel a run that waits or runs; its worker stops at the next beat.

    Raises
    ------
    Conflict
        When it is over already.
    """
    if not Job.objects.cancel(run.job_id):
        raise Conflict("state_conflict", gettext_noop("This run is over already; there is nothing to cancel."))
    run.job.refresh_from_db()


@transaction.atomic
def retry_run(*, run: Run) -> None:
    """Queue a failed or cancelled run again: same row, same address, all attempts new.

    Raises
    ------
    Conflict
        When it neither failed nor was cancelled.
    QuotaExceeded
        When the owner has too many active runs.
    """
    require_free_run(owner=run.job.owner)
    if not Job.objects.retry(run.job_id):
        raise Conflict("state_conflict", gettext_noop("Only a run that failed or was cancelled can be tried again."))
    tasks.ring_on_commit()
    run.job.refresh_from_db()
