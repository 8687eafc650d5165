"""How often one person may do what costs much. Counted in the cache, which all web processes of a site share."""

import time

from django.conf import settings
from django.core.cache import cache

from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import RateLimited
from segmentation.models import User

_HOUR = 3600


def count_upload(*, owner: User) -> None:
    """Count one more upload in this hour, whatever becomes of it: a refused file costs as much as a good one.

    Raises
    ------
    RateLimited
        When there were `GMM_RATE_UPLOADS` already.
    """
    now = time.time()
    key = f"uploads:{owner.pk}:{int(now // _HOUR)}"
    cache.add(key, 0, timeout=_HOUR)
    if cache.incr(key) > settings.GMM_RATE_UPLOADS:
        raise RateLimited(
            "rate_limited",
            gettext_noop(
                "You have reached the limit of uploads within an hour (%(limit)s). Try again in %(minutes)s min."
            ),
            limit=settings.GMM_RATE_UPLOADS,
            minutes=int((_HOUR - now % _HOUR) // 60) + 1,
            retry_after=int(_HOUR - now % _HOUR) + 1,
        )
