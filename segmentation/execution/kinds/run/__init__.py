"""The kind `run` executes a recipe on a picture."""

import functools
import uuid
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation import files
from segmentation.engine import progress
from segmentation.engine import recipe as recipes
from segmentation.engine.progress import Stage
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.execution.kinds.kind import Assignment, JobStage, KindOfWork, Product, is_long
from segmentation.execution.kinds.run.allowance import allowance
from segmentation.execution.kinds.run.child import RunWork, perform
from segmentation.execution.kinds.run.cost import cost_of
from segmentation.models import Job, Result, Revision, Run
from segmentation.models.jobs import JobKind

_TITLES = {
    Stage.READING: gettext_lazy("Read the picture"),
    Stage.COUNTING: gettext_lazy("Collect its colours"),
    Stage.FITTING: gettext_lazy("Fit the mixture"),
    Stage.LABELLING: gettext_lazy("Label every pixel"),
    Stage.WRITING: gettext_lazy("Store the pictures"),
}


class RunKind(KindOfWork):
    """Executes a recipe on a picture."""

    name = JobKind.RUN
    stages = tuple(
        JobStage(name=stage.value, title=title, begins=progress.percent(stage, 0.0)) for stage, title in _TITLES.items()
    )
    kept_folders = (files.INPUTS,)

    def is_known(self, job: Job) -> bool:
        """Return whether this release knows the schema numbers of recipe and inputs."""
        run = _run_of(job)
        newest = recipes.SCHEMA, recipes.INPUTS_SCHEMA
        return run is None or not any(_is_newer(*each) for each in zip((run.recipe, run.inputs), newest, strict=True))

    def expected_seconds(self, job: Job) -> float:
        run = _run_of(job)
        return 0.0 if run is None else cost_of(run)

    def assign(self, job: Job, *, speed: float = 1.0) -> Assignment | None:
        """Return everything that an attempt at the run needs; None when it was deleted meanwhile.

        Raises
        ------
        BadRecipe
            When the recipe does not parse.
        """
        run = _run_of(job)
        if run is None or job.lease is None:
            return None
        recipe, image = Recipe.from_mapping(run.recipe), run.image
        expected = cost_of(run) if job.expected_seconds is None else job.expected_seconds
        allowed = allowance(
            pixels=image.width * image.height,
            bands=image.bands,
            item_bytes=np.dtype(image.dtype).itemsize,
            recipe=recipe,
            expected=expected / speed,
        )
        work = RunWork(
            run_id=job.pk,
            prefix=files.run_prefix(job.pk, job.lease),
            image_id=image.pk,
            name=image.name,
            limits=image.limits,
            recipe=recipe,
            inputs=Inputs.from_mapping(run.inputs),
            allowance=allowed,
        )
        return Assignment(
            kind=self,
            job_id=job.pk,
            lease=job.lease,
            attempt=job.attempt,
            call=functools.partial(perform, work),
            allowance=allowed,
            expected_seconds=expected,
            is_long=is_long(expected, speed=speed),
        )

    def record(self, assignment: Assignment, product: Product) -> None:
        """Store the result and its first revision."""
        run_id = assignment.job_id
        Result.objects.create(run_id=run_id, lease=assignment.lease, **_columns(product))
        Revision.objects.create(run_id=run_id, number=0, legend=product.summary["legend"])
        Run.objects.filter(pk=run_id).update(revision=0)

    def has_recorded(self, assignment: Assignment) -> bool:
        return Result.objects.filter(run_id=assignment.job_id, lease=assignment.lease).exists()

    def prefix(self, job_id: uuid.UUID) -> str:
        return files.run_prefix(job_id)

    def label(self, job: Job) -> str:
        name = Run.objects.filter(pk=job.pk).values_list("image__name", flat=True).first()
        return _("Segmentation of %(name)s") % {"name": name or job.pk}


def _run_of(job: Job) -> Run | None:
    return Run.objects.select_related("image").defer("image__metadata").filter(pk=job.pk).first()


def _is_newer(mapping: Any, newest: int) -> bool:
    schema = mapping.get("schema") if isinstance(mapping, dict) else None
    return isinstance(schema, int) and schema > newest


def _columns(product: Product) -> dict[str, Any]:
    summary = product.summary
    plain = (
        "pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "mixture", "components", "versions",
    )  # fmt: skip
    extras = (
        "distinct_colours", "fitted_pixels", "valid_pixels", "left_out_pixels", "notices", "features", "header", "layout",
        "no_data", "pixel_size", "pixel_size_suggested", "georeference", "map_areas", "band_sums", "coverage", "gain",
    )  # fmt: skip
    return {
        "files": product.files,
        "bytes": sum(file["bytes"] for file in product.files.values()),
        "extras": {name: summary[name] for name in extras},
        **{name: summary[name] for name in plain},
    }
