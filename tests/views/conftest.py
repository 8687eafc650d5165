import pytest

from segmentation.models import Job, Result, Revision, Run


@pytest.fixture
def copy_of():
    """Make another finished run of the same image, with the same result."""

    def copy(run):
        job = Job.objects.get(pk=run.pk)
        job.pk = None
        job.id = Job._meta.get_field("id").get_default()
        job.save(force_insert=True)
        other = Run(job=job, image=run.image, recipe=run.recipe, inputs=run.inputs, n_clusters=run.n_clusters)
        other.save(force_insert=True)
        result = Result.objects.get(run=run)
        result.run = other
        result.pk = other.pk
        result.save(force_insert=True)
        Revision.objects.create(run=other, number=0, legend=run.current_revision.legend)
        return other

    return copy
