"""Accounts of people, with their permissions and storage."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from segmentation import access, formatting, services
from segmentation.admin import cells, deletion
from segmentation.admin.listing import CappedPaginator, GuardedAdmin
from segmentation.admin.readonly import person_of
from segmentation.engine.exceptions import SegmentationError
from segmentation.forms import sentence
from segmentation.models import Image, Run, User

_PERMISSION_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(GuardedAdmin, DjangoUserAdmin[User]):
    """Admin of Django, with the storage of each person and with restrictions.

    Only superusers can make somebody staff or assign permissions and groups. Nobody can change or delete the account of a
    person who has a permission that they lack (`access.may_manage`).
    """

    list_display = ("name", "email", "role", "n_images", "stored", "joined", "seen")
    list_display_links = ("name",)
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = gettext_lazy("Name or e-mail address")
    ordering = ("username",)
    sortable_by = ("name",)
    list_per_page = 25
    list_max_show_all = 100
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    empty_value_display = "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        images = Image.objects.filter(owner=OuterRef("pk")).order_by().values("owner")
        count = images.annotate(n=Count("pk")).values("n")
        return (
            super()
            .get_queryset(request)
            .annotate(
                images_stored=Coalesce(Subquery(count, output_field=IntegerField()), 0),
                bytes_stored=services.stored_bytes(OuterRef("pk")),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else [*fieldsets, (_("Usage"), {"fields": ("usage",)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = (*super().get_readonly_fields(request, obj), "usage", "last_login", "date_joined")
        return fields if request.user.is_superuser else (*fields, *_PERMISSION_FIELDS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_manage(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Users"), **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if person := context.get("original"):
            context |= {"title": person.get_username(), "subtitle": None}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("Name"), ordering="username")
    def name(self, person: User) -> SafeString:
        full = person.get_full_name()
        return cells.name_and_note(person.username, full)

    @admin.display(description=gettext_lazy("Role"))
    def role(self, person: User) -> str | None:
        if not person.is_active:
            return _("Deactivated")
        if person.is_superuser:
            return _("Superuser")
        return _("Staff") if person.is_staff else None

    @admin.display(description=gettext_lazy("Images"))
    def n_images(self, person: Any) -> SafeString | int:
        if not person.images_stored:
            return 0
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:segmentation_image_changelist", query={"owner": person.pk}),
            cells.images(person.images_stored),
        )

    @admin.display(description=gettext_lazy("Stored"))
    def stored(self, person: Any) -> str | None:
        return formatting.filesize(person.bytes_stored) if person.bytes_stored else None

    @admin.display(description=gettext_lazy("Joined"))
    def joined(self, person: User) -> SafeString | None:
        return cells.ago(person.date_joined)

    @admin.display(description=gettext_lazy("Last signed in"))
    def seen(self, person: User) -> SafeString | None:
        return cells.ago(person.last_login)

    @admin.display(description=gettext_lazy("Stored"))
    def usage(self, person: User) -> SafeString:
        used = services.usage(owner=person)
        images = ngettext("%(n)s image", "%(n)s images", used.images) % {"n": formatting.thousands(used.images)}
        runs = ngettext("%(n)s run", "%(n)s runs", used.runs) % {"n": formatting.thousands(used.runs)}
        return format_html(
            '<a href="{}">{}</a>, <a href="{}">{}</a>, {}',
            reverse("admin:segmentation_image_changelist", query={"owner": person.pk}),
            images,
            reverse("admin:segmentation_run_changelist", query={"owner": person.pk}),
            runs,
            _("%(size)s of %(most)s")
            % {"size": formatting.filesize(used.bytes), "most": formatting.filesize(used.most_bytes)},
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> deletion.DeletedObjects:
        people: list[User] = list(objs)
        keys = [person.pk for person in people]
        images, runs = Image.objects.filter(owner__in=keys).count(), Run.objects.filter(job__owner__in=keys).count()
        lacking = deletion.lacking(request, images=images, runs=runs)
        if not all(self.has_delete_permission(request, person) for person in people):
            lacking.add(_("person with more permissions than you"))
        counts = deletion.counts(user=(User, len(people)), image=(Image, images), run=(Run, runs))
        logged = User.objects.filter(pk__in=LogEntry.objects.filter(user__in=keys).values("user"))
        kept = [_("%(name)s: the log contains what they did as staff") % {"name": person} for person in logged]
        return deletion.names(people), counts, lacking, kept

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.delete_user(user=obj, actor=person_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Delete the accounts one by one, so that their files are deleted, too, and no transaction takes long."""
        for person in queryset:
            try:
                services.delete_user(user=person, actor=person_of(request))
            except SegmentationError as error:  # for example a person who deletes their own account after those of others, and so is in the log
                self.message_user(request, f"{person}: {sentence(error)}", messages.WARNING)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[LogEntry]:  # noqa: ARG002 - Django's signature
        """Write no log entries, because the services write them."""
        return []


def may_manage(request: HttpRequest, person: User | None) -> bool:
    """Return whether the signed-in person may change the account of `person`; True if `person` is None."""
    return person is None or access.may_manage(user=person_of(request), person=person)
