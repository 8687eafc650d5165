"""Limits of a child process, and its end with its parent; these functions are called in the child."""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PARENT_POLL_SECONDS = 0.5
_MAX_DESCRIPTORS = 1 << 20
_libc = ctypes.CDLL(None)  # opened once, before any fork


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Memory and time that one call may take.

    Parameters
    ----------
    memory : int
        Bytes in addition to those that the child has at its start.
    seconds : float
        From the start of the child, after which it is killed.
    """

    memory: int
    seconds: float


def limit_memory(allowed: int) -> None:
    """Make allocations fail with `MemoryError` once the process has `allowed` bytes more than now.

    The limit is for private writable memory (`RLIMIT_DATA`). `RLIMIT_AS` would include reserved addresses, of which OpenBLAS
    takes many. There is no limit on systems without `/proc/self/status`.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not write all memory to disk
    _allocate_blas_buffer()
    used = _data_bytes()
    if used is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = used + allowed
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def lift_memory_limit() -> None:
    """Raise the memory limit as far as allowed, so that the process can report that memory ran out."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def descriptor_limit() -> int:
    """Return a number that is above every open file descriptor."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else min(soft, _MAX_DESCRIPTORS)


def end_with_parent(parent: int) -> None:
    """Make the kernel kill this process when its parent dies; `parent` is the process id of the parent, taken before the fork."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:  # poll with a timer, which needs no thread
        signal.signal(signal.SIGALRM, lambda _number, _frame: _end_if_orphaned(parent))
        signal.setitimer(signal.ITIMER_REAL, _PARENT_POLL_SECONDS, _PARENT_POLL_SECONDS)
    _end_if_orphaned(parent)


def _end_if_orphaned(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _allocate_blas_buffer() -> None:
    """Make OpenBLAS allocate its buffer now: it does so at the first product, and aborts the process when it cannot."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        square = numpy.ones((64, 64))
        numpy.dot(square, square)


def _data_bytes() -> int | None:
    """Return the private writable memory of the process in bytes; None where the system does not tell it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:")), None)
