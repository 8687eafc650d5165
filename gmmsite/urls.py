"""URL patterns of the site: application, accounts and admin."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from segmentation.admin.links import on_site

# Staff sign in on the same page and by the same rules as everybody (see the documentation of allauth).
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign] # replaced on purpose

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.account.urls")),
    path("admin/r/<path:content_type_id>/<path:object_id>/", admin.site.admin_view(on_site)),  # instead of Django's
    path("admin/", admin.site.urls),
    path("", include("segmentation.urls")),
]
if "debug_toolbar" in settings.INSTALLED_APPS:
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns += debug_toolbar_urls()

handler400 = "segmentation.views.pages.bad_request"
handler403 = "segmentation.views.pages.permission_denied"
handler404 = "segmentation.views.pages.page_not_found"
handler500 = "segmentation.views.pages.server_error"
