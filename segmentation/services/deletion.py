"""Deleting for good. The rows' files go with them on commit: `segmentation.models.cleanup`.

Django looks up what a cascade takes before it begins to delete. Whoever would add to that is therefore kept out first: uploads
and new runs lock their owner, workers the job, people who edit a legend the run.
"""

from django.db import transaction

from segmentation.models import Image, Job, Run, User
from segmentation.models.jobs import JobQuerySet


@transaction.atomic
def delete_image(*, image: Image) -> None:
    """Delete an image with its runs. A worker that is busy with one stops at its next beat."""
    _hold(image.owner_id, Job.objects.filter(run__image=image))
    image.delete()


@transaction.atomic
def delete_run(*, run: Run) -> None:
    """Delete one run; its image stays."""
    _hold(None, Job.objects.filter(pk=run.pk))
    run.delete()


@transaction.atomic
def delete_user(*, user: User) -> None:
    """Delete a person with all that is theirs."""
    _hold(user.pk, Job.objects.filter(owner=user))
    user.delete()


def _hold(owner_id: int | None, jobs: JobQuerySet) -> None:
    """Wait until nobody is adding to what goes, and keep everybody from it until the end of the transaction."""
    if owner_id is not None:
        User.objects.select_for_update().filter(pk=owner_id).first()
    held = list(jobs.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    list(Run.objects.order_by("pk").select_for_update().filter(pk__in=held).values_list("pk", flat=True))
