"""Create, cancel and retry runs. Changes of state are compare-and-set on the row of the job."""

import uuid
from dataclasses import replace

from django.db import transaction
from django.utils.translation import gettext as _

from segmentation import execution, tasks
from segmentation.engine import pipeline
from segmentation.engine.exceptions import BadRecipe, SegmentationError, gettext_noop
from segmentation.engine.recipe import Inputs, Reading, Recipe, StartingMixture, reconcile
from segmentation.exceptions import Conflict
from segmentation.models import Image, Job, Run, User
from segmentation.results import stored_result
from segmentation.services.audit import record
from segmentation.services.masks import masters_for
from segmentation.services.quotas import require_room_for_run
from segmentation.services.uploads import require_readable


def create_run(
    *,
    image: Image,
    recipe: Recipe,
    inputs: Inputs = Inputs(),  # noqa: B008 - frozen
    begin: Run | None = None,
    parent: Run | None = None,
    actor: User | None = None,
) -> Run:
    """Queue a run of `recipe` on `image`; it belongs to the image's owner.

    Parameters
    ----------
    inputs : Inputs
        Its mask must have been uploaded for the image, or be used by another run of it. Without a reading, the file is read
        as its owner has chosen.
    begin : Run or None
        A finished run of the image whose mixture is the start of the fit; it becomes the parent.
    parent : Run or None
        The run from whose page this one was requested.
    actor : User or None
        Who requests it, for the log; None: the image's owner.

    Raises
    ------
    BadRecipe
        When recipe and inputs do not agree.
    SegmentationError
        With `invalid_request`, when there is no such mask, or no mixture to begin with; with `not_found`, when the image has
        been deleted meanwhile.
    QuotaExceeded
        When the owner has too many active runs, or no room for the result.
    StorageUnavailable
        When the mask cannot be stored; the run is not created.
    Refusal
        When the site does not read pictures of this format any more.
    """
    require_readable(image)
    if inputs.reading == Reading():
        inputs = replace(inputs, reading=image.parsed_reading)
    if begin is not None:
        if inputs.mixture is not None:
            raise BadRecipe(
                template=gettext_noop("Name a run to begin with or give a mixture, not both."), field="mixture"
            )
        inputs = replace(inputs, mixture=_mixture_of(begin, image, recipe))
    recipe = reconcile(recipe, inputs)
    pipeline.starting_mixture(inputs)  # raises now what the run would raise later
    if image.fitted_bands is not None:
        pipeline.require_matching_mixture(inputs, recipe, n_bands=image.fitted_bands)
    run_id = uuid.uuid4()
    with masters_for(run_id=run_id, image=image, inputs=inputs) as inputs_bytes:
        run = Run(
            image=image,
            parent=begin or parent,
            recipe=recipe.to_mapping(),
            inputs=inputs.to_mapping(),
            inputs_bytes=inputs_bytes,
            n_clusters=recipe.n_clusters,
        )
        return _queue(run_id, run, actor=actor)


@transaction.atomic
def _queue(run_id: uuid.UUID, run: Run, *, actor: User | None) -> Run:
    image = run.image
    require_room_for_run(image=image, inputs_bytes=run.inputs_bytes or 0)
    if not Image.objects.filter(pk=image.pk).exists():
        raise SegmentationError("not_found", gettext_noop("This picture has been deleted."))
    expected = execution.expected_seconds(
        image=image, recipe=Recipe.from_mapping(run.recipe), inputs=Inputs.from_mapping(run.inputs)
    )
    job = Job(id=run_id, owner=image.owner, expected_seconds=expected)
    job.save(force_insert=True)
    run.job = job
    run.save(force_insert=True)
    record(actor=actor, thing=run, what=_("Started."))
    tasks.wake_workers_on_commit()
    return run


def _mixture_of(begin: Run, image: Image, recipe: Recipe) -> StartingMixture:
    """Return the mixture of a finished run of the image, after checking that the recipe extracts the same features."""
    if begin.image_id != image.pk or not begin.succeeded or begin.has_regions:
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "A run can only start from a finished run of the same picture with the preset Colours or Areas. Choose another one."
            ),
            field="mixture",
        )
    start = stored_result(run=begin).model.starting_mixture
    reconcile(recipe, Inputs(mixture=start))
    if not Recipe.from_mapping(begin.recipe).extracts_same_features(recipe):
        raise BadRecipe(
            template=gettext_noop(
                "The starting run used other features: choose the same colour space, texture and position, or start without it."
            ),
            field="mixture",
        )
    return start


@transaction.atomic
def cancel_run(*, run: Run, actor: User | None = None) -> None:
    """Cancel a run that waits or runs; its worker stops at the next heartbeat.

    Parameters
    ----------
    actor : User or None
        Who cancels it, for the log; None: the owner.

    Raises
    ------
    Conflict
        When it has ended already.
    """
    if not Job.objects.cancel(run.job_id):
        raise Conflict("state_conflict", gettext_noop("This run has already ended; there is nothing to cancel."))
    record(actor=actor, thing=run, what=_("Cancelled."))
    run.job.refresh_from_db()


@transaction.atomic
def retry_run(*, run: Run, actor: User | None = None) -> None:
    """Queue a failed or cancelled run again. It keeps its row and its URL; the number of attempts is reset.

    Parameters
    ----------
    actor : User or None
        Who retries it, for the log; None: the owner.

    Raises
    ------
    Conflict
        When it neither failed nor was cancelled.
    QuotaExceeded
        When the owner has too many active runs, or no room for the result.
    Refusal
        When the site does not read pictures of this format any more.
    """
    require_readable(run.image)
    require_room_for_run(image=run.image, inputs_bytes=0)
    if not Job.objects.retry(run.job_id):
        raise Conflict("state_conflict", gettext_noop("Only a run that failed or was cancelled can be tried again."))
    record(actor=actor, thing=run, what=_("Queued again."))
    tasks.wake_workers_on_commit()
    run.job.refresh_from_db()
