"""Redirects from `/admin/r/…` to the page of an object on the site ("View on site")."""

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

_MOST_DIGITS = 9


def on_site(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
    """Redirect to the page of an object that the person may see.

    It replaces Django's view, which reveals to all staff which objects exist and fails for invalid keys.

    Raises
    ------
    Http404
        If the object does not exist, has no page, or may not be seen by the person.
    """
    if not content_type_id.isdecimal() or len(content_type_id) > _MOST_DIGITS:
        raise Http404
    kind = ContentType.objects.filter(pk=int(content_type_id)).first()
    model = kind.model_class() if kind else None
    try:
        model_admin = admin.site.get_model_admin(model) if model else None
    except NotRegistered:
        model_admin = None
    obj = model_admin.get_object(request, unquote(object_id)) if model_admin else None
    if model_admin is None or obj is None or not hasattr(obj, "get_absolute_url"):
        raise Http404
    if not model_admin.has_view_permission(request, obj):
        raise Http404
    return redirect(obj.get_absolute_url())
