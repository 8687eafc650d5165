"""Cores and memory of the machine or container, and the default memory limit of a run."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SLOTS_PER_SHORT_SLOT = 4
_FOR_RUNS = 0.75  # fraction of the memory; the rest is for the system, the database, the web process and decoders
_LEAST = 500_000_000  # bytes; enough for a picture of 12 megapixels with the default settings
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def short_slots(slots: int) -> int:
    """Return the number of further slots for short jobs of a worker: one for every four slots, and at least one."""
    return max(1, slots // _SLOTS_PER_SHORT_SLOT)


def memory() -> int:
    """Return the memory that this process can use, in bytes: that of the machine, or the limit of its control group."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return physical  # not Linux
    return min([physical, *group_limits(own)])


def group_limits(own: str, root: Path = _CONTROL_GROUPS) -> Iterator[int]:
    """Yield the memory limits of the control group of a process and of all its parents.

    In a container, the path may be that of the host, of which only the outermost group is visible.

    Parameters
    ----------
    own : str
        The content of `/proc/self/cgroup`: a line `number:controllers:path` for each hierarchy, of version 2 without
        controllers (cgroups(7)).
    root : Path
        Where the hierarchies are mounted.
    """
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            folder, name = root / "memory", "memory.limit_in_bytes"
        elif not controllers:
            folder, name = root, "memory.max"
        else:
            continue
        groups = PurePosixPath(path.lstrip("/"))
        for group in (groups, *groups.parents):
            try:
                limit = (folder / group / name).read_text(encoding="ascii").strip()
            except OSError:
                continue
            if limit != "max":
                yield int(limit)


def run_memory(*, memory: int, slots: int) -> int:
    """Return the memory limit of a run in bytes, so that all simultaneous runs of a worker fit into `memory`."""
    return max(_LEAST, int(memory * _FOR_RUNS) // (slots + short_slots(slots)))
