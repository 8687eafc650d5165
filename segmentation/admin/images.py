"""Images that people have uploaded."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from segmentation import formatting, services
from segmentation.admin import cells, deletion, details
from segmentation.admin.filters import DateFilter, OwnerFilter
from segmentation.admin.listing import id_starts_with, search_terms, truncated_search
from segmentation.admin.readonly import ReadOnlyAdmin, person_of
from segmentation.models import Image, Run, User
from segmentation.models.jobs import State

_RUNS_SHOWN = 20


def image_matches(word: str) -> Q:
    """Return the condition that the name of an image or of its owner contains `word`, or that its id starts with it."""
    people = User.objects.filter(username__icontains=word)
    found = Q(name__icontains=word) | Q(owner__in=people.values("pk"))
    same_id = id_starts_with(word, "pk")
    return found if same_id is None else found | same_id


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    """Lists, searches and deletes images, each shown with its newest result."""

    list_display = ("pictures", "file_name", "owner_name", "runs", "newest_state", "format_name", "size", "uploaded")
    list_display_links = ("file_name",)
    list_filter = (DateFilter, OwnerFilter)
    search_fields = ("name", "owner__username")
    search_help_text = gettext_lazy("File name, owner or id")
    ordering = ("-created", "-id")
    sortable_by = ("uploaded",)
    change_form_template = "admin/segmentation/image.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """Return the images that the person may see, with the newest run and the newest result of each."""
        may_view_runs = request.user.has_perm("segmentation.view_run")
        runs = Run.objects.filter(image=OuterRef("pk")) if may_view_runs else Run.objects.none()
        newest = runs.newest_first()
        finished = newest.filter(job__state=State.SUCCEEDED)
        count = runs.order_by().values("image").annotate(n=Count("pk")).values("n")
        return (
            Image.objects.visible_to(request.user)
            .select_related("owner")
            .defer("metadata")
            .annotate(
                n_runs=Coalesce(Subquery(count, output_field=IntegerField()), 0),
                state=Subquery(newest.values("job__state")[:1]),
                result_id=Subquery(finished.values("pk")[:1], output_field=UUIDField()),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for word in search_terms(truncated_search(request, search_term)):
            queryset = queryset.filter(image_matches(word))
        return queryset, False

    @admin.display(description=gettext_lazy("Pictures"))
    def pictures(self, image: Any) -> SafeString:
        return cells.pictures(image_id=image.pk, run_id=image.result_id, name=image.name)

    @admin.display(description=gettext_lazy("Image"))
    def file_name(self, image: Image) -> SafeString:
        return cells.name_and_size(image)

    @admin.display(description=gettext_lazy("Owner"))
    def owner_name(self, image: Image) -> SafeString:
        return cells.owner(image.owner, model="image")

    @admin.display(description=gettext_lazy("Runs"))
    def runs(self, image: Any) -> SafeString | int:
        if not image.n_runs:
            return 0
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:segmentation_run_changelist", query={"image": image.pk}),
            cells.runs(image.n_runs),
        )

    @admin.display(description=gettext_lazy("Newest run"))
    def newest_state(self, image: Any) -> SafeString | None:
        return cells.state(image.state) if image.state else None

    @admin.display(description=gettext_lazy("Format"))
    def format_name(self, image: Image) -> str:
        return image.format.upper()

    @admin.display(description=gettext_lazy("File"))
    def size(self, image: Image) -> str:
        return formatting.filesize(image.bytes)

    @admin.display(description=gettext_lazy("Uploaded"), ordering="created")
    def uploaded(self, image: Image) -> SafeString | None:
        return cells.ago(image.created)

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        runs = Run.objects.visible_to(request.user).filter(image=obj).select_related("job").newest_first()
        return {
            "title": obj.name,
            "sections": details.of_image(obj),
            "runs": runs[:_RUNS_SHOWN],
            "more": max(0, obj.n_runs - _RUNS_SHOWN),
        }

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> deletion.DeletedObjects:
        images: list[Image] = list(objs)
        runs = Run.objects.filter(image__in=[image.pk for image in images]).count()
        counts = deletion.counts(image=(Image, len(images)), run=(Run, runs))
        return deletion.names(images), counts, deletion.lacking(request, images=len(images), runs=runs), []

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        services.delete_image(image=obj, actor=person_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        """Delete the images one by one, so that their files are deleted, too, and no transaction takes long."""
        for image in queryset:
            services.delete_image(image=image, actor=person_of(request))
