"""Requests as they come in: kept in memory while they are small, else on the disk of the pictures, within limits."""

import logging
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser

logger = logging.getLogger(__name__)

IN_MEMORY = 65_536  # bytes of one body, or of what is left of one answer
_HOPELESS = 4  # times the largest body: a longer one is not even read to its end


class Room:
    """Bytes that bodies, or answers, may take while they are on their way: all together, and half of that for one address."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, address: str, size: int) -> bool:
        """Take room for some bytes; returns whether there was any."""
        with self._lock:
            own = self._taken.get(address, 0) + size
            if own > self._total // 2 or sum(self._taken.values()) + size > self._total:
                return False
            self._taken[address] = own
            return True

    def give_back(self, address: str, size: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._taken[address] -= size
            if not self._taken[address]:
                del self._taken[address]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What is taken in, and from whom."""

    largest_body: int  # bytes
    room: Room
    session_cookie: str
    trusted_proxies: int
    health_path: str
    _cookie: "re.Pattern[str]" = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.compile(rf"(?:^|;)\s*{re.escape(self.session_cookie)}=([^;]+)")
        object.__setattr__(self, "_cookie", pattern)

    def address(self, headers: dict[str, str], peer: str) -> str:
        """Return the client's address: the peer's, or what the proxies that are believed say of it."""
        given = [part.strip() for part in headers.get("X_FORWARDED_FOR", "").split(",") if part.strip()]
        if not self.trusted_proxies or not given:
            return peer
        return given[-min(self.trusted_proxies, len(given))]

    def asker(self, headers: dict[str, str], path: str, address: str) -> str:
        """Return who shares turns with whom: requests of one session, and of one address without a session.

        Looks at the health have turns of their own, so that a full site is not taken for a dead one.
        """
        if path == self.health_path:
            return path
        found = self._cookie.search(headers.get("COOKIE", ""))
        return f"session {found[1].strip()}" if found else f"address {address}"


class Body(OverflowableBuffer):  # type: ignore[misc] # waitress publishes no types
    """The body of a request. One that cannot be kept is read to its end all the same, so that the answer reaches its sender."""

    def __init__(self, intake: Intake, address: str) -> None:
        super().__init__(IN_MEMORY)
        self.refusal = ""  # `too_large`, `busy` or `storage_unavailable`
        self._intake, self._address = intake, address
        self._taken = 0

    def append(self, data: bytes) -> None:
        """Keep a piece, or find that it does not fit."""
        if self.refusal:
            return
        if self._taken + len(data) > self._intake.largest_body:
            self.refuse("too_large")
        elif not self._intake.room.take(self._address, len(data)):
            self.refuse("busy")
        else:
            self._taken += len(data)
            try:
                super().append(data)
            except OSError as error:
                logger.error("The body of a request could not be kept. %s", error)  # noqa: TRY400 - a full disk has no story
                self.refuse("storage_unavailable")

    def refuse(self, code: str) -> None:
        """Forget what there is, and all that comes."""
        self.refusal = code
        self.close()
        self.buf, self.strbuf, self.overflowed = None, b"", False

    def close(self) -> None:
        """Give the room back."""
        if self._taken:
            self._intake.room.give_back(self._address, self._taken)
            self._taken = 0
        try:
            super().close()
        except OSError:
            logger.info("What was left of a body did not fit on the disk, and is gone.")


class Request(HTTPRequestParser):  # type: ignore[misc] # waitress publishes no types
    """A request, whose body is kept or refused by our rules."""

    completed: bool
    expect_continue: bool

    def __init__(self, adj: Any, *, intake: Intake, peer: str) -> None:
        super().__init__(adj)
        self._intake = intake
        self.address = peer
        self.asker = f"address {peer}"
        self.refusal = ""
        self.is_unread = False  # its body is still on its way: nothing more can be understood on this connection

    def parse_header(self, header_plus: bytes) -> None:
        """Find out who asks, and have the body kept in a `Body`."""
        super().parse_header(header_plus)
        self.address = self._intake.address(self.headers, self.address)
        self.asker = self._intake.asker(self.headers, self.path, self.address)
        if self.body_rcv is not None:
            self.body_rcv.buf = Body(self._intake, self.address)

    def received(self, data: bytes) -> int:
        """Take in a piece; answer before the end when the sender waits for that, or the end is too far away."""
        consumed: int = super().received(data)
        if self.body_rcv is None or self.error:
            return consumed
        body = self.body_rcv.buf
        if self.content_length > self._intake.largest_body and not body.refusal:
            body.refuse("too_large")
        is_hopeless = max(self.content_length, self.body_bytes_received) > _HOPELESS * self._intake.largest_body
        if body.refusal and not self.completed and (self.expect_continue or is_hopeless):
            self.expect_continue = False
            self.completed = self.is_unread = True
        self.refusal = body.refusal if self.completed else ""
        return consumed
