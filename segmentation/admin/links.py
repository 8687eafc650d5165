"""The addresses `/admin/r/…`, by which the administration leads to a row's page on the site."""

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

_MOST_DIGITS = 9


def on_site(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
    """Lead to the page of what this person may see.

    Everything else is not found, whether it exists or not: Django's own view tells any member of staff, and fails for what is no key.

    Raises
    ------
    Http404
        When there is nothing that has a page and that they may see.
    """
    if not content_type_id.isdecimal() or len(content_type_id) > _MOST_DIGITS:
        raise Http404
    kind = ContentType.objects.filter(pk=int(content_type_id)).first()
    model = kind.model_class() if kind else None
    try:
        its = admin.site.get_model_admin(model) if model else None
    except NotRegistered:
        its = None
    thing = its.get_object(request, unquote(object_id)) if its else None
    if its is None or thing is None or not hasattr(thing, "get_absolute_url"):
        raise Http404
    if not its.has_view_permission(request, thing):
        raise Http404
    return redirect(thing.get_absolute_url())
