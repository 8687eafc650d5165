"""The WSGI application of the site, below the path of SITE_URL."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gmmsite.settings")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def below(path: str, inner: Application) -> Application:
    """Return a WSGI application that serves `inner` below `path`. Requests have the whole path, as a proxy passes it on."""
    if not path:
        return inner

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        if not asked.startswith(f"{path}/"):
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8"), *HEADERS.items()])
            return [f"This site begins at {path}/\n".encode()]
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = path, asked.removeprefix(path)
        return inner(environ, start_response)

    return application


_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - configured by the line above

from segmentation.http import HEADERS  # noqa: E402 - needs the applications, which the same line has loaded

application = below(settings.SITE_PATH, _django)
