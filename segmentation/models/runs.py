import uuid
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from segmentation import access
from segmentation.engine.recipe import Preset
from segmentation.exceptions import NotFound
from segmentation.models.images import Image
from segmentation.models.jobs import Job, State
from segmentation.models.users import User


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the runs that `user` may see: their own, and all for staff who may view runs."""
        return access.visible(self.filter(image__trashed=None), user=user)

    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Return the runs that `user` owns, for their own lists."""
        return self.filter(job__owner=user.pk, image__trashed=None)

    def newest_first(self) -> Self:
        return self.order_by("-job__created", "-job__id")

    def for_lists(self) -> Self:
        """Fetch what a list shows of each run, without the large JSON columns."""
        return (
            self.select_related("job", "job__owner", "image", "result")
            .defer("result__mixture", "result__versions", "image__metadata", "inputs")
            .prefetch_related(
                models.Prefetch(
                    "revisions",
                    queryset=Revision.objects.filter(number=models.F("run__revision")),
                    to_attr="current_revisions",
                )
            )
        )


class Run(models.Model):
    """One execution of a recipe on an image. Its state is that of its job, whose id is also the id of the run."""

    OWNER = "job__owner"

    job = models.OneToOneField(Job, models.CASCADE, primary_key=True, related_name="run")
    image = models.ForeignKey(Image, models.CASCADE, related_name="runs")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")
    recipe = models.JSONField(_("recipe"))
    inputs = models.JSONField(_("inputs"), default=dict)
    # Of the files that the inputs name; null: not known yet (older release)
    inputs_bytes = models.PositiveBigIntegerField(null=True)
    n_clusters = models.PositiveSmallIntegerField(_("clusters"), null=True)  # as requested; null: chosen by the engine
    revision = models.PositiveIntegerField(_("revision"), default=0)  # the number of the current revision

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")

    def __str__(self) -> str:
        return f"{self.image}, {self.n_clusters}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def id(self) -> uuid.UUID:
        return self.job_id

    @property
    def has_regions(self) -> bool:
        """Whether the preset is *regions*, not *colours*."""
        return bool(self.recipe.get("preset") == Preset.REGIONS)

    @property
    def succeeded(self) -> bool:
        return self.job.state == State.SUCCEEDED

    @property
    def current_revision(self) -> "Revision":
        """The current revision of the legend. Needs no query after `for_lists`.

        Raises
        ------
        NotFound
            While the run has no result, and when it was deleted after it was fetched.
        """
        prefetched: list[Revision] | None = getattr(self, "current_revisions", None)
        found = prefetched or self.revisions.filter(number=self.revision)[:1]
        for revision in found:
            return revision
        raise NotFound

    @property
    def was_deleted(self) -> bool:
        """Whether the run went while a list was made with `for_lists`, between its two queries."""
        return self.succeeded and getattr(self, "current_revisions", None) == []


class Result(models.Model):
    """The stored outcome of a run. It is never changed."""

    run = models.OneToOneField(Run, models.CASCADE, primary_key=True, related_name="result")
    lease = models.UUIDField()  # of the attempt that made it; part of the keys of its files
    pixels_sha256 = models.CharField(max_length=64)  # of the component map's shape, dtype and bytes
    files = models.JSONField()  # name -> {"key", "bytes", "sha256"}
    bytes = models.PositiveBigIntegerField(null=True)  # of all files; null: not known yet (older release)
    log_likelihood = models.FloatField(_("log-likelihood"))  # mean, nats per pixel
    iterations = models.PositiveIntegerField(_("iterations"))
    converged = models.BooleanField(_("converged"))
    seconds = models.JSONField(_("seconds by stage"))
    # Values of the whole result that no list shows or sorts by: pixel counts, notices, features, the header of the picture.
    # The column keeps its name, for workers of the release before
    extras = models.JSONField(default=dict, db_column="facts")
    mixture = models.JSONField(_("mixture"))
    components = models.JSONField(_("components"))  # sums over pixels, so that merging clusters adds them
    versions = models.JSONField(_("versions"))

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")

    def __str__(self) -> str:
        return f"Result of {self.run_id}"

    @property
    def total_seconds(self) -> float:
        return float(sum(self.seconds.values()))


class Revision(models.Model):
    """One version of the legend of a run. Each edit makes a new one; undo returns to the parent."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")
    legend = models.JSONField(_("legend"))
    cleaning = models.JSONField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="revision_of_run"),)

    def __str__(self) -> str:
        return f"Revision {self.number} of {self.run_id}"
