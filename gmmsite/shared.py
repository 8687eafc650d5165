"""What several processes share through Redis: the cache, and the queue of RQ. Answers are waited for briefly."""

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
            "OPTIONS": _patience(),
        }
    }


def queues(url: str) -> dict[str, Any]:
    """Return django-rq's RQ_QUEUES for the Redis at `url`. A wake-up has no time limit: our deadlines rule."""
    from redis.connection import parse_url  # noqa: PLC0415 - whoever does without Redis need not load it

    server: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call] # redis has none here
    return {
        "default": {
            "HOST": server.get("host", "localhost"),
            "PORT": server.get("port", 6379),
            "DB": server.get("db", 0),
            "USERNAME": server.get("username"),
            "PASSWORD": server.get("password"),
            "SSL": url.startswith("rediss:"),
            "REDIS_CLIENT_KWARGS": {"unix_socket_path": server.get("path"), **_patience()},
            "DEFAULT_TIMEOUT": -1,
        }
    }


def _patience() -> dict[str, Any]:
    """A request must not hang on a Redis that is away: one more try with a new connection, and no pause before it."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
    from redis.retry import Retry  # noqa: PLC0415 - as above

    return {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 1),
    }
