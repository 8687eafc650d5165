"""Settings of the cache and of RQ's queue in Redis, with short timeouts."""

from typing import Any

_CONNECT_SECONDS = 0.5
_ANSWER_SECONDS = 2.0


def cache(url: str) -> dict[str, Any]:
    """Return Django's CACHES for the Redis at `url`."""
    return {
        "default": {
            "BACKEND": "gmmsite.cache.SharedCache",
            "LOCATION": url,
            "KEY_PREFIX": "gmm",
            "OPTIONS": _timeouts(),
        }
    }


def queues(url: str) -> dict[str, Any]:
    """Return django-rq's RQ_QUEUES for the Redis at `url`. Its tasks have no time limit; jobs have limits of their own."""
    from redis.connection import parse_url  # noqa: PLC0415 - needed with Redis only

    server: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call] # redis publishes no types for it
    return {
        "default": {
            "HOST": server.get("host", "localhost"),
            "PORT": server.get("port", 6379),
            "DB": server.get("db", 0),
            "USERNAME": server.get("username"),
            "PASSWORD": server.get("password"),
            "SSL": url.startswith("rediss:"),
            "REDIS_CLIENT_KWARGS": {"unix_socket_path": server.get("path"), **_timeouts()},
            "DEFAULT_TIMEOUT": -1,
        }
    }


def _timeouts() -> dict[str, Any]:
    """Return timeouts and one immediate retry, so that a request does not hang while Redis is down."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
    from redis.retry import Retry  # noqa: PLC0415 - as above

    return {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 1),
    }
