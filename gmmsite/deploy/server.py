"""One process of the web server: waitress, with limits on what connections may take.

waitress reads and sends in one thread that never waits for anybody; a request gets one of the other threads when it has
arrived whole, and gives it back before its answer has left. Whoever sends or takes too little for too long is disconnected.
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
from gmmsite.deploy.bodies import IN_MEMORY, Intake, Request, Room
from gmmsite.deploy.turns import FairDispatcher
from gmmsite.wsgi import Application, application
from segmentation import files
from segmentation.engine import decoder, sandbox
from segmentation.incoming import REFUSED_BODY

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0  # a connection on which nothing is asked
HEADER_SECONDS = 20.0
GRACE_SECONDS, SLOWEST = (
    30.0,
    1000.0,
)  # bodies and answers: so long, and a second more for each 1000 bytes that came or went
FORM_BYTES = 1_000_000  # around the file of an upload
ON_THEIR_WAY = 20  # times the largest upload: the most that bodies, and answers, of all connections may take
_NO_LIMIT = 2**62
_FILES_OF_ITS_OWN = 256


class Task(WSGITask):  # type: ignore[misc] # waitress publishes no types
    """A request that is answered, and written to the log."""

    def service(self) -> None:
        """Answer it."""
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
        """Return the WSGI environment, which tells the application when there was a body that could not be kept."""
        environ: dict[str, Any] = super().get_environment()
        if self.request.refusal:
            environ[REFUSED_BODY] = self.request.refusal
            environ["CONTENT_LENGTH"], environ["wsgi.input"] = "0", BytesIO()
        return environ


class Channel(HTTPChannel):  # type: ignore[misc] # waitress publishes no types
    """A connection."""

    task_class = Task
    request: Request | None  # what has come of it so far

    def __init__(self, server: "Server", sock: socket.socket, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002 - waitress' name
        self._room = server.room
        self._held: tuple[str, int] = ("", 0)  # who has asked, and bytes of answers that wait to be sent
        self._served = 0  # requests so far
        self._moved = 0  # bytes that came or went since
        self._state: tuple[str, int] = ("", 0)
        self.since = time.monotonic()  # when its present state was first seen
        self.parser_class = functools.partial(Request, intake=server.intake, peer=str(addr[0]))
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def asker(self) -> str:
        """Who asks for what is to be answered next."""
        return str(self.requests[0].asker)

    @property
    def is_at_work(self) -> bool:
        """Whether something of it is still to be received, answered or sent."""
        return bool(self.requests or self.total_outbufs_len or (self.request and self.request.headers_finished))

    def is_overdue(self, now: float) -> bool:
        """Whether it keeps us waiting for too long."""
        state = (self._name_of_state(), self._served)
        if state != self._state:
            self._state, self.since, self._moved = state, now, 0
        waited = now - self.since
        return {
            "answered": False,
            "moving": waited > GRACE_SECONDS + self._moved / SLOWEST,
            "header": waited > HEADER_SECONDS,
            "idle": waited > IDLE_SECONDS,
        }[state[0]]

    def _name_of_state(self) -> str:
        if self.total_outbufs_len or (self.request is not None and self.request.headers_finished):
            return "moving"
        if self.requests:
            return "answered"
        return "idle" if self.request is None else "header"

    def service(self) -> None:
        """Answer a request, in a thread of its own."""
        super().service()
        self._served += 1

    def recv(self, size: int) -> bytes:
        """Receive, and count it."""
        data: bytes = super().recv(size)
        self._moved += len(data)
        return data

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 - waitress' signature
        """Send, and count it."""
        sent: int = super().send(data, do_close)
        self._moved += sent
        return sent

    def write_soon(self, data: Any) -> int:
        """Keep a piece of an answer until its reader takes it. What is small, or in a file already, needs no room."""
        if not isinstance(data, ReadOnlyFileBasedBuffer) and self.total_outbufs_len + len(data) > IN_MEMORY:
            with self.outbuf_lock:
                address, held = self._held[0] or self.requests[0].address, self._held[1]
                if not self._room.take(address, len(data)):
                    logger.warning("An answer was given up: too much waits for slow readers.")
                    raise ClientDisconnected
                self._held = (address, held + len(data))
        written: int = super().write_soon(data)
        self._give_back()
        return written

    def _flush_some(self, do_close: bool = True) -> bool:  # noqa: FBT001, FBT002 - waitress' signature
        sent: bool = super()._flush_some(do_close)
        self._give_back()
        return sent

    def _give_back(self) -> None:
        with self.outbuf_lock:
            if self._held[1] and not self.total_outbufs_len:
                self._room.give_back(*self._held)
                self._held = ("", 0)

    def handle_close(self) -> None:
        """Close it, and forget what has come so far."""
        super().handle_close()
        self._give_back()
        if self.request is not None:
            self.request.close()
            self.request = None


class Server(TcpWSGIServer):  # type: ignore[misc] # waitress publishes no types
    """Reads, sends and looks after connections, in the main thread."""

    channel_class = Channel

    def __init__(self, wsgi: Application, listener: socket.socket, *, intake: Intake, room: Room, most: int) -> None:
        adjustments = Adjustments(
            sockets=[listener],
            ident=None,
            clear_untrusted_proxy_headers=False,  # Django believes as many proxies as GMM_TRUSTED_PROXIES says
            asyncore_use_poll=True,
            cleanup_interval=1,
            connection_limit=_NO_LIMIT,  # ours makes room instead
            recv_bytes=262_144,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            outbuf_high_watermark=_NO_LIMIT,  # beyond it a thread would wait for the reader
            max_request_header_size=65_536,
            max_request_body_size=_NO_LIMIT,  # ours is answered in the site's words
        )
        self.intake = intake
        self.room = room
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
        """Serve until `stop` was called and everything is answered, or its time is over."""
        while not self._is_over():
            patience = 1.0 if self._deadline is None else 0.05
            wasyncore.loop(timeout=patience, use_poll=True, map=self._map, count=1)
        self._dispatcher.shutdown(timeout=0)
        for channel in list(self.active_channels.values()):
            channel.handle_close()

    def stop(self, *, seconds: float) -> None:
        """Take no more connections, and end when what has come is answered, at the latest after `seconds`."""
        self.accepting = False
        self._deadline = time.monotonic() + seconds
        self.pull_trigger()

    def _is_over(self) -> bool:
        if self._deadline is None:
            return False
        is_idle = self._dispatcher.is_idle and not any(channel.is_at_work for channel in self.active_channels.values())
        return is_idle or time.monotonic() > self._deadline

    def handle_accept(self) -> None:
        """Take a connection; of too many, the one goes that has waited longest for its request to be whole."""
        super().handle_accept()
        if len(self.active_channels) > self._most:
            waiting = [channel for channel in self.active_channels.values() if not channel.requests]
            if waiting:
                min(waiting, key=lambda channel: channel.since).handle_close()

    def maintenance(self, now: float) -> None:  # noqa: ARG002 - a clock that may be set
        """Disconnect whoever keeps us waiting for too long."""
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(time.monotonic()):
                channel.handle_close()


def without_body_of_head(inner: Application) -> Application:
    """Answer HEAD with the headers of GET alone; waitress leaves that to the application, and Django to the server."""

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
    sandbox.start_fork_server()  # ready before the first picture comes; it keeps files of its own in the system's temporary folder
    folder = files.incoming_folder()
    tempfile.tempdir = None if folder is None else str(folder)
    server = Server(
        without_body_of_head(application),
        listener,
        intake=_intake(),
        room=Room(ON_THEIR_WAY * settings.GMM_MAX_UPLOAD_BYTES),
        most=_most_connections(),
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: server.stop(seconds=stop_seconds))
    if os.environ.get("GMM_ANNOUNCE"):
        print(f"GMM Studio is running at {settings.SITE_URL} (Ctrl-C stops it)", flush=True)  # noqa: T201 - to the terminal
    notify.ready()
    server.serve()


def _intake() -> Intake:
    largest = settings.GMM_MAX_UPLOAD_BYTES + FORM_BYTES
    return Intake(
        largest_body=largest,
        room=Room(ON_THEIR_WAY * largest),
        session_cookie=settings.SESSION_COOKIE_NAME,
        trusted_proxies=settings.GMM_TRUSTED_PROXIES,
        health_path=f"{settings.SITE_PATH}/healthz",
    )


def _most_connections() -> int:
    """As many as this process may have files for: a connection, what comes, and what goes."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = 16_384 if hard == resource.RLIM_INFINITY else min(hard, 16_384)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max((allowed - _FILES_OF_ITS_OWN) // 3, 1)
