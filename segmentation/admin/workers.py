"""Workers, and the Queue page."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from segmentation.admin import cells, details, queue
from segmentation.admin.filters import AliveFilter
from segmentation.admin.readonly import ReadOnlyAdmin
from segmentation.models import Job, User, Worker


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Shows the workers. Workers create and delete their rows themselves."""

    list_display = ("worker", "condition", "slot_count", "running_jobs", "release_name", "start_time", "last_heartbeat")
    list_display_links = ("worker",)
    list_filter = (AliveFilter,)
    ordering = ("-seen", "pk")
    sortable_by = ()
    change_form_template = "admin/segmentation/worker.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.queue_view)
        return [path("queue/", view, name="segmentation_worker_queue"), *super().get_urls()]

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """Show the queue, the workers, and statistics of the last day."""
        if not self.has_view_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": _("Queue"), **queue.page(user=request.user)}
        response = TemplateResponse(request, "admin/segmentation/queue.html", context)
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        running = Job.objects.running().filter(worker=OuterRef("pk")).order_by().values("worker")
        count = running.annotate(n=Count("pk")).values("n")
        workers: QuerySet[Worker] = super().get_queryset(request)
        return workers.annotate(
            alive=Exists(Worker.objects.alive().filter(pk=OuterRef("pk"))),
            running=Coalesce(Subquery(count, output_field=IntegerField()), 0),
        )

    @admin.display(description=gettext_lazy("Worker"))
    def worker(self, worker: Worker) -> SafeString:
        return cells.name_and_note(worker.host, str(worker.pk)[:8])

    @admin.display(description=gettext_lazy("State"))
    def condition(self, worker: Any) -> str:
        if not worker.alive:
            return _("Ended")
        return _("Stopping") if worker.leaving else _("Active")

    @admin.display(description=gettext_lazy("Slots"))
    def slot_count(self, worker: Worker) -> SafeString:
        short = worker.short_slots
        more = ngettext("%(n)s more for short runs", "%(n)s more for short runs", short) % {"n": short}
        return cells.name_and_note(str(worker.slots), more if short else "")

    @admin.display(description=gettext_lazy("Running"))
    def running_jobs(self, worker: Any) -> int:
        return int(worker.running)

    @admin.display(description=gettext_lazy("Release"))
    def release_name(self, worker: Worker) -> str:
        return worker.release

    @admin.display(description=gettext_lazy("Started"))
    def start_time(self, worker: Worker) -> SafeString | None:
        return cells.ago(worker.started)

    @admin.display(description=gettext_lazy("Last heartbeat"))
    def last_heartbeat(self, worker: Worker) -> SafeString | None:
        return cells.ago(worker.seen)

    def page_context(self, request: HttpRequest, obj: Worker) -> dict[str, Any]:  # noqa: ARG002 - the signature of the base class
        return {
            "title": str(obj),
            "sections": details.of_worker(obj, condition=self.condition(obj)),
        }
