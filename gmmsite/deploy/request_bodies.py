"""Receive requests: small bodies are kept in memory, larger ones on the disk of the pictures, within limits."""

import logging
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser

logger = logging.getLogger(__name__)

IN_MEMORY = 65_536  # the most bytes of one body, or of one response that waits to be sent, that are kept in memory
_MOST_READ = 4  # times the largest body; a longer body is not read to its end before the response


class ByteBudget:
    """Limits the bytes of all bodies, or responses, in transit. One client address gets at most half of them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken: dict[str, int] = {}
        self._lock = threading.Lock()

    def reserve(self, address: str, size: int) -> bool:
        """Reserve some bytes for an address; returns False if the limit does not allow it."""
        with self._lock:
            own = self._taken.get(address, 0) + size
            if own > self._total // 2 or sum(self._taken.values()) + size > self._total:
                return False
            self._taken[address] = own
            return True

    def release(self, address: str, size: int) -> None:
        """Release bytes that were reserved."""
        with self._lock:
            self._taken[address] -= size
            if not self._taken[address]:
                del self._taken[address]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """The limits of request bodies, and how clients are told apart."""

    largest_body: int  # bytes
    budget: ByteBudget
    session_cookie: str
    trusted_proxies: int
    health_path: str
    _cookie: "re.Pattern[str]" = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.compile(rf"(?:^|;)\s*{re.escape(self.session_cookie)}=([^;]+)")
        object.__setattr__(self, "_cookie", pattern)

    def address(self, headers: dict[str, str], peer: str) -> str:
        """Return the address of the client: that of the peer, or the one in `X-Forwarded-For` if proxies are trusted."""
        given = [part.strip() for part in headers.get("X_FORWARDED_FOR", "").split(",") if part.strip()]
        if not self.trusted_proxies or not given:
            return peer
        return given[-min(self.trusted_proxies, len(given))]

    def client_key(self, headers: dict[str, str], path: str, address: str) -> str:
        """Return the key by which the dispatcher tells clients apart: the session, or the address without one.

        Health checks have a key of their own, so that a busy site still answers them.
        """
        if path == self.health_path:
            return path
        found = self._cookie.search(headers.get("COOKIE", ""))
        return f"session {found[1].strip()}" if found else f"address {address}"


class Body(OverflowableBuffer):  # type: ignore[misc] # waitress publishes no types
    """The body of a request. A rejected body is still read to its end, so that the client receives the response."""

    def __init__(self, limits: RequestLimits, address: str) -> None:
        super().__init__(IN_MEMORY)
        self.refusal = ""  # `too_large`, `busy` or `storage_unavailable`
        self._limits, self._address = limits, address
        self._taken = 0

    def append(self, data: bytes) -> None:
        """Append a chunk, or reject the body if it exceeds a limit."""
        if self.refusal:
            return
        if self._taken + len(data) > self._limits.largest_body:
            self.refuse("too_large")
        elif not self._limits.budget.reserve(self._address, len(data)):
            self.refuse("busy")
        else:
            self._taken += len(data)
            try:
                super().append(data)
            except OSError as error:
                logger.error("The body of a request could not be kept. %s", error)  # noqa: TRY400 - a traceback would not help
                self.refuse("storage_unavailable")

    def refuse(self, code: str) -> None:
        """Reject the body: discard what was received, and everything that follows."""
        self.refusal = code
        self.close()
        self.buf, self.strbuf, self.overflowed = None, b"", False

    def close(self) -> None:
        """Release the reserved bytes and close the file."""
        if self._taken:
            self._limits.budget.release(self._address, self._taken)
            self._taken = 0
        try:
            super().close()
        except OSError:
            logger.info("The rest of a body did not fit on the disk and was discarded.")


class Request(HTTPRequestParser):  # type: ignore[misc] # waitress publishes no types
    """A request whose body is received within the limits."""

    completed: bool
    expect_continue: bool

    def __init__(self, adj: Any, *, limits: RequestLimits, peer: str) -> None:
        super().__init__(adj)
        self._limits = limits
        self.address = peer
        self.client = f"address {peer}"
        self.refusal = ""
        self.is_unread = False  # the rest of its body was not read, so that the connection must be closed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the header, determine the client, and receive the body into a `Body`."""
        super().parse_header(header_plus)
        self.address = self._limits.address(self.headers, self.address)
        self.client = self._limits.client_key(self.headers, self.path, self.address)
        if self.body_rcv is not None:
            self.body_rcv.buf = Body(self._limits, self.address)

    def received(self, data: bytes) -> int:
        """Receive data. A rejected request is answered before its end if the client waits for that or the body is too long."""
        consumed: int = super().received(data)
        if self.body_rcv is None or self.error:
            return consumed
        body = self.body_rcv.buf
        if self.content_length > self._limits.largest_body and not body.refusal:
            body.refuse("too_large")
        is_too_long = max(self.content_length, self.body_bytes_received) > _MOST_READ * self._limits.largest_body
        if body.refusal and not self.completed and (self.expect_continue or is_too_long):
            self.expect_continue = False
            self.completed = self.is_unread = True
        self.refusal = body.refusal if self.completed else ""
        return consumed
