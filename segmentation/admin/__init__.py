"""Administration site, with one module for each model. Like a view, an admin parses, calls one service and responds."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from segmentation.admin.addresses import EmailAddressAdmin
from segmentation.admin.groups import GroupAdmin
from segmentation.admin.images import ImageAdmin
from segmentation.admin.log import LogAdmin
from segmentation.admin.periodic_tasks import PeriodicTaskAdmin
from segmentation.admin.runs import RunAdmin
from segmentation.admin.users import UserAdmin
from segmentation.admin.workers import WorkerAdmin

__all__ = [
    "EmailAddressAdmin",
    "GroupAdmin",
    "ImageAdmin",
    "LogAdmin",
    "PeriodicTaskAdmin",
    "RunAdmin",
    "UserAdmin",
    "WorkerAdmin",
]

admin.site.site_title = _("GMM Studio administration")
admin.site.site_header = _("GMM Studio administration")
admin.site.index_title = _("Administration")
admin.site.enable_nav_sidebar = False
