"""One process of the web server: waitress, with limits for connections.

The main thread of waitress receives and sends without blocking. A request gets one of the other threads once it was received
completely, and releases it before its response was sent. Clients that send or receive too slowly are disconnected.
"""

import functools
import logging
import os
import resource
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

from gmmsite.deploy import access_log, notify
from gmmsite.deploy.dispatcher import FairDispatcher
from gmmsite.deploy.request_bodies import IN_MEMORY, ByteBudget, Request, RequestLimits
from gmmsite.wsgi import Application, application
from segmentation import files
from segmentation.engine import decoder, sandbox
from segmentation.upload_handlers import REFUSED_BODY

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0  # after which a connection without a request is closed
HEADER_SECONDS = 20.0  # for the header of a request
# For a body or a response: seconds that are always allowed, and the rate above which more time is allowed
GRACE_SECONDS, MIN_BYTES_PER_SECOND = 30.0, 1000.0
FORM_BYTES = 1_000_000  # allowed in a body besides the uploaded file
# All bodies, and all responses, in transit take at most the bytes of this many largest bodies.
LARGEST_BODIES_AT_ONCE = 20
_NO_LIMIT = 2**62
_RESERVED_FILES = 256  # file descriptors that are not for connections


class Task(WSGITask):  # type: ignore[misc] # waitress publishes no types
    """waitress' task of answering a request, with the access log."""

    def service(self) -> None:
        """Answer the request and log it."""
        began = time.monotonic()
        if self.request.is_unread:
            self.set_close_on_finish()
        try:
            super().service()
        except Exception:
            if not self.wrote_header:
                self.status = "500 Internal Server Error"  # as waitress will answer
            raise
        finally:
            access_log.write(self, seconds=time.monotonic() - began)

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment; if the body was rejected, it has the reason and an empty body."""
        environ: dict[str, Any] = super().get_environment()
        if self.request.refusal:
            environ[REFUSED_BODY] = self.request.refusal
            environ["CONTENT_LENGTH"], environ["wsgi.input"] = "0", BytesIO()
        return environ


class Channel(HTTPChannel):  # type: ignore[misc] # waitress publishes no types
    """A connection, with limits of time and of unsent bytes."""

    task_class = Task
    request: Request | None  # the one that is being received

    def __init__(self, server: "Server", sock: socket.socket, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002 - waitress' name
        self._budget = server.budget
        # Address of the client, and reserved bytes of responses that wait to be sent
        self._reserved: tuple[str, int] = ("", 0)
        self._n_requests = 0  # number of requests so far
        self._transferred = 0  # bytes that were received or sent in the present state
        self._state: tuple[str, int] = ("", 0)
        self.since = time.monotonic()  # when the present state began
        self.parser_class = functools.partial(Request, limits=server.limits, peer=str(addr[0]))
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def client(self) -> str:
        """The key of the client of the next request."""
        return str(self.requests[0].client)

    @property
    def is_at_work(self) -> bool:
        """Whether a request is being received or answered, or a response waits to be sent."""
        return bool(self.requests or self.total_outbufs_len or (self.request and self.request.headers_finished))

    def is_overdue(self, now: float) -> bool:
        """Return whether the connection has exceeded the time of its present state."""
        state = (self._state_name(), self._n_requests)
        if state != self._state:
            self._state, self.since, self._transferred = state, now, 0
        waited = now - self.since
        return {
            "answering": False,
            "transferring": waited > GRACE_SECONDS + self._transferred / MIN_BYTES_PER_SECOND,
            "header": waited > HEADER_SECONDS,
            "idle": waited > IDLE_SECONDS,
        }[state[0]]

    def _state_name(self) -> str:
        if self.total_outbufs_len or (self.request is not None and self.request.headers_finished):
            return "transferring"
        if self.requests:
            return "answering"
        return "idle" if self.request is None else "header"

    def service(self) -> None:
        """Answer a request. It is called in a worker thread."""
        super().service()
        self._n_requests += 1

    def recv(self, size: int) -> bytes:
        """Receive, and count the bytes."""
        data: bytes = super().recv(size)
        self._transferred += len(data)
        return data

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 - waitress' signature
        """Send, and count the bytes."""
        sent: int = super().send(data, do_close)
        self._transferred += sent
        return sent

    def write_soon(self, data: Any) -> int:
        """Queue a chunk of a response for sending, within the budget. Small responses and files do not count."""
        if not isinstance(data, ReadOnlyFileBasedBuffer) and self.total_outbufs_len + len(data) > IN_MEMORY:
            with self.outbuf_lock:
                address, reserved = self._reserved[0] or self.requests[0].address, self._reserved[1]
                if not self._budget.reserve(address, len(data)):
                    logger.warning("A response was aborted: slow clients hold too many unsent bytes.")
                    raise ClientDisconnected
                self._reserved = (address, reserved + len(data))
        written: int = super().write_soon(data)
        self._release()
        return written

    def _flush_some(self, do_close: bool = True) -> bool:  # noqa: FBT001, FBT002 - waitress' signature
        sent: bool = super()._flush_some(do_close)
        self._release()
        return sent

    def _release(self) -> None:
        with self.outbuf_lock:
            if self._reserved[1] and not self.total_outbufs_len:
                self._budget.release(*self._reserved)
                self._reserved = ("", 0)

    def handle_close(self) -> None:
        """Close the connection, and discard a request that is being received."""
        super().handle_close()
        self._release()
        if self.request is not None:
            self.request.close()
            self.request = None


class Server(TcpWSGIServer):  # type: ignore[misc] # waitress publishes no types
    """waitress' server, which handles the connections in the main thread."""

    channel_class = Channel

    def __init__(
        self, wsgi: Application, listener: socket.socket, *, limits: RequestLimits, budget: ByteBudget, most: int
    ) -> None:
        adjustments = Adjustments(
            sockets=[listener],
            ident=None,
            clear_untrusted_proxy_headers=False,  # Django evaluates them, as GMM_TRUSTED_PROXIES says
            asyncore_use_poll=True,
            cleanup_interval=1,
            connection_limit=_NO_LIMIT,  # `handle_accept` closes a connection instead
            recv_bytes=262_144,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            outbuf_high_watermark=_NO_LIMIT,  # otherwise a thread would wait for a slow client
            max_request_header_size=65_536,
            max_request_body_size=_NO_LIMIT,  # `Body` rejects it with a page of the site
        )
        self.limits = limits
        self.budget = budget
        self._most = most
        self._dispatcher = FairDispatcher(threads=settings.WEB_THREADS, most_of_one=settings.WEB_THREADS // 2)
        self._deadline: float | None = None
        super().__init__(
            wsgi,
            _sock=listener,
            dispatcher=self._dispatcher,
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

    def serve(self) -> None:
        """Serve until `stop` was called and all requests are answered, or its time has passed."""
        while not self._is_over():
            timeout = 1.0 if self._deadline is None else 0.05
            wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)
        self._dispatcher.shutdown(timeout=0)
        for channel in list(self.active_channels.values()):
            channel.handle_close()

    def stop(self, *, seconds: float) -> None:
        """Accept no more connections, and end when all requests are answered, but after `seconds` at the latest."""
        self.accepting = False
        self._deadline = time.monotonic() + seconds
        self.pull_trigger()

    def _is_over(self) -> bool:
        if self._deadline is None:
            return False
        is_idle = self._dispatcher.is_idle and not any(channel.is_at_work for channel in self.active_channels.values())
        return is_idle or time.monotonic() > self._deadline

    def handle_accept(self) -> None:
        """Accept a connection. If there are too many, close the one that has been incomplete or idle for longest."""
        super().handle_accept()
        if len(self.active_channels) > self._most:
            waiting = [channel for channel in self.active_channels.values() if not channel.requests]
            if waiting:
                min(waiting, key=lambda channel: channel.since).handle_close()

    def maintenance(self, now: float) -> None:  # noqa: ARG002 - the system clock, which may be changed
        """Close the connections that have exceeded their time."""
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(time.monotonic()):
                channel.handle_close()


def without_body_of_head(inner: Application) -> Application:
    """Wrap a WSGI application so that responses to HEAD have no body, which neither waitress nor Django ensures."""

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        answer = inner(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        if hasattr(answer, "close"):
            answer.close()
        return []

    return wsgi


def serve(listener: socket.socket, *, stop_seconds: float) -> None:
    """Serve the site on a listening socket until SIGTERM."""
    sandbox.configure(children=settings.GMM_WEB_CHILDREN)
    decoder.start()
    sandbox.start_fork_server()  # before the first picture; its own files are in the temporary folder of the system
    folder = files.incoming_folder()
    tempfile.tempdir = None if folder is None else str(folder)
    server = Server(
        without_body_of_head(application),
        listener,
        limits=_request_limits(),
        budget=ByteBudget(LARGEST_BODIES_AT_ONCE * settings.GMM_MAX_UPLOAD_BYTES),
        most=_most_connections(),
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: server.stop(seconds=stop_seconds))
    if os.environ.get("GMM_ANNOUNCE"):
        print(f"GMM Studio is running at {settings.SITE_URL} (Ctrl-C stops it)", flush=True)  # noqa: T201 - to the terminal
    notify.ready()
    server.serve()


def _request_limits() -> RequestLimits:
    largest = settings.GMM_MAX_UPLOAD_BYTES + FORM_BYTES
    return RequestLimits(
        largest_body=largest,
        budget=ByteBudget(LARGEST_BODIES_AT_ONCE * largest),
        session_cookie=settings.SESSION_COOKIE_NAME,
        trusted_proxies=settings.GMM_TRUSTED_PROXIES,
        health_path=f"{settings.SITE_PATH}/healthz",
    )


def _most_connections() -> int:
    """Return the limit of connections: a third of the file descriptors, since each may need one for request and response."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max((allowed - _RESERVED_FILES) // 3, 1)
