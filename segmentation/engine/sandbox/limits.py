"""What a child may take, and that it ends with its parent. All of this runs inside the child."""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_FOR_PARENT_SECONDS = 0.5
_MOST_DESCRIPTORS = 1 << 20
_libc = ctypes.CDLL(None)  # opened once, before any fork


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one call may take.

    Parameters
    ----------
    memory : int
        Bytes beyond what the child has at its start.
    seconds : float
        From the start of the child; then it is killed.
    """

    memory: int
    seconds: float


def limit_memory(allowed: int) -> None:
    """Let allocations fail (`MemoryError`) once the process has `allowed` bytes more than now.

    Counts private memory that can be written (`RLIMIT_DATA`). `RLIMIT_AS` would count reserved addresses as well, and
    OpenBLAS takes those generously. Where the kernel does not tell what a process has, there is no limit.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash need not leave all of it on the disk
    _have_blas_take_its_buffer()
    now = _data_bytes()
    if now is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = now + allowed
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def lift_memory_limit() -> None:
    """Allow what it takes to say that memory ran out."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def most_descriptors() -> int:
    """Return a number that no open file descriptor reaches."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else min(soft, _MOST_DESCRIPTORS)


def end_with_parent(parent: int) -> None:
    """Have this process killed when its parent dies; `parent` is the process id that it had before the fork."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:  # look for it again and again: a timer needs no thread
        signal.signal(signal.SIGALRM, lambda _number, _frame: _end_if_orphaned(parent))
        signal.setitimer(signal.ITIMER_REAL, _LOOK_FOR_PARENT_SECONDS, _LOOK_FOR_PARENT_SECONDS)
    _end_if_orphaned(parent)


def _end_if_orphaned(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _have_blas_take_its_buffer() -> None:
    """OpenBLAS takes its buffer at the first product, and ends the whole process when it cannot have it."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        square = numpy.ones((64, 64))
        numpy.dot(square, square)


def _data_bytes() -> int | None:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:")), None)
