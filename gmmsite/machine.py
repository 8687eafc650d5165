"""What the machine, or the container that this is in, has of cores and memory, and what of it a run may take by default."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SLOTS_PER_SHORT = 4
_FOR_RUNS = 0.75  # of the memory; the rest is for the system, the database, the web process and decoders
_LEAST = 500_000_000  # bytes; a picture of 12 megapixels takes less with the default settings
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def short_slots(slots: int) -> int:
    """Return how many short runs a worker does beside the runs of its `slots`: one for every four, and at least one."""
    return max(1, slots // _SLOTS_PER_SHORT)


def memory() -> int:
    """Return the bytes of memory that this process can have: those of the machine, or less where a control group limits it."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return physical  # no Linux
    return min([physical, *group_limits(own)])


def group_limits(own: str, root: Path = _CONTROL_GROUPS) -> Iterator[int]:
    """Yield the limits on memory of the control groups of a process: of its own one, and of each around it.

    In a container the path may be that of the host, of which only the outermost group can be seen.

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
    """Return how many bytes a run may take at most, so that as many runs as a worker does at once fit into `memory`."""
    return max(_LEAST, int(memory * _FOR_RUNS) // (slots + short_slots(slots)))
