"""Rate limits: how often one person may upload. They are counted in the cache that all web processes share."""

import time

from django.conf import settings
from django.core.cache import cache

from segmentation.engine.exceptions import gettext_noop
from segmentation.exceptions import RateLimited
from segmentation.models import User

_HOUR = 3600


def count_upload(*, owner: User) -> None:
    """Count an upload. Refused uploads count as well, because they cost as much to check.

    Raises
    ------
    RateLimited
        When the person has made more than `GMM_RATE_UPLOADS` uploads in this hour.
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
