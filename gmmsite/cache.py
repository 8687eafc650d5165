"""The Redis cache that the processes of the site share."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SharedCache(RedisCache):
    """Django's Redis cache, which behaves as an empty cache while Redis is down.

    The site keeps working then: sessions are read from the database. Limits of uploads and sign-ins are not enforced until Redis
    is back, since they are counted in the cache.
    """

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _default_on_error(True, lambda: super(SharedCache, self).add(key, value, timeout, version))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return _default_on_error(default, lambda: super(SharedCache, self).get(key, default, version))

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        _default_on_error(None, lambda: super(SharedCache, self).set(key, value, timeout, version))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _default_on_error(False, lambda: super(SharedCache, self).touch(key, timeout, version))

    def delete(self, key: str, version: int | None = None) -> bool:
        return _default_on_error(False, lambda: super(SharedCache, self).delete(key, version))

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        return _default_on_error({}, lambda: super(SharedCache, self).get_many(keys, version))

    def set_many(self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[str]:
        return _default_on_error(list(data), lambda: super(SharedCache, self).set_many(data, timeout, version))

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        _default_on_error(None, lambda: super(SharedCache, self).delete_many(keys, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return _default_on_error(False, lambda: super(SharedCache, self).has_key(key, version))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        return _default_on_error(delta, lambda: super(SharedCache, self).incr(key, delta, version))


def _default_on_error(default: T, operation: Callable[[], T]) -> T:
    """Return the result of a cache operation, or `default` when Redis does not answer."""
    try:
        return operation()
    except (RedisConnectionError, RedisTimeoutError) as error:
        logger.warning("Redis does not answer; nothing is cached meanwhile. %s", error)
        return default
