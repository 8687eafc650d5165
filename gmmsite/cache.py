"""The cache of several processes."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SharedCache(RedisCache):
    """Redis as Django uses it, and empty while Redis is away.

    People go on working then: sessions are read from the database, and the limits on uploads and sign-ins, which have
    nowhere to be counted, hold again once Redis is back.
    """

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _or(True, lambda: super(SharedCache, self).add(key, value, timeout, version))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return _or(default, lambda: super(SharedCache, self).get(key, default, version))

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        _or(None, lambda: super(SharedCache, self).set(key, value, timeout, version))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return _or(False, lambda: super(SharedCache, self).touch(key, timeout, version))

    def delete(self, key: str, version: int | None = None) -> bool:
        return _or(False, lambda: super(SharedCache, self).delete(key, version))

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        return _or({}, lambda: super(SharedCache, self).get_many(keys, version))

    def set_many(self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[str]:
        return _or(list(data), lambda: super(SharedCache, self).set_many(data, timeout, version))

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        _or(None, lambda: super(SharedCache, self).delete_many(keys, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return _or(False, lambda: super(SharedCache, self).has_key(key, version))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        return _or(delta, lambda: super(SharedCache, self).incr(key, delta, version))


def _or(empty: T, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (RedisAway, RedisSilent) as error:
        logger.warning("Redis does not answer; nothing is cached meanwhile. %s", error)
        return empty
