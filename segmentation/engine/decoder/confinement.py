"""Confinement of the calling process: it gives up files, sockets, other processes and privileges, and cannot get them back.

On Linux, without root: no new privileges, no capabilities, Landlock (no path can be opened), and a seccomp filter that allows the
few system calls of a computation on open files. Means that the kernel lacks are left out; `missing` returns their names.
(Linux: `Documentation/userspace-api/landlock.rst` and `seccomp_filter.rst`.)
"""

import ctypes
import errno
import mmap
import os
import platform
import struct
import sys

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 22, 38  # linux/prctl.h
_PR_SET_DUMPABLE = 4
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same on all architectures
_LANDLOCK_VERSION_FLAG = 1
# linux/landlock.h: number of rights to files by the version of the interface. Versions from 4 on also deny TCP, from 6 on abstract
# Unix sockets and signals to other processes.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_RIGHTS = 0b11
_SCOPES = 0b11

_SECCOMP_MODE_FILTER = 2
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # linux/seccomp.h
_LOAD, _EQUALS, _HAS_BITS, _RETURN = 0x20, 0x15, 0x45, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD = 0x10000

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # linux/audit.h; column of the tables below
# Numbers of system calls on x86-64 and AArch64 (asm/unistd_64.h, asm-generic/unistd.h).
_CALLS = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62), "munmap": (11, 215),
    "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66), "sched_yield": (24, 124),
    "mremap": (25, 216), "madvise": (28, 233), "nanosleep": (35, 101), "getpid": (39, 172), "exit": (60, 93),
    "ftruncate": (77, 46), "gettimeofday": (96, 169), "getrusage": (98, 165), "sysinfo": (99, 179), "getppid": (110, 173),
    "sigaltstack": (131, 132), "gettid": (186, 178), "futex": (202, 98), "sched_getaffinity": (204, 123),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94),
    "set_robust_list": (273, 99), "getrandom": (318, 278), "membarrier": (324, 283), "rseq": (334, 293),
}  # fmt: skip
_MMAP, _MPROTECT, _CLONE, _CLONE3, _TGKILL, _PRLIMIT = (
    (9, 222),
    (10, 226),
    (56, 220),
    (435, 435),
    (234, 131),
    (302, 261),
)

_libc = ctypes.CDLL(None, use_errno=True)  # opened before any confinement


def missing() -> list[str]:
    """Return the names of the means of confinement that the kernel lacks, for the log."""
    means = {"Landlock": _landlock_version() > 0, "seccomp": _has_seccomp()}
    return [name for name, is_available in means.items() if not is_available]


def confine() -> None:
    """Confine this process and all that it starts, irrevocably; does nothing on systems other than Linux.

    Raises
    ------
    OSError
        When the kernel has a means of confinement but refuses it; no file may be decoded then.
    """
    if sys.platform != "linux":
        return
    _require(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _require(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))  # processes of the same user cannot trace it
    _drop_capabilities()
    version = _landlock_version()
    if version:
        _deny_files(version)
    if _has_seccomp():
        _deny_system_calls()


def _drop_capabilities() -> None:
    number = _CAPSET.get(platform.machine())
    if number is not None:
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        _require(_libc.syscall(number, header, bytes(24)))


def _landlock_version() -> int:
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION_FLAG)))


def _deny_files(version: int) -> None:
    """Set a Landlock ruleset that handles all rights and grants none."""
    rights = (1 << _FILE_RIGHTS.get(version, max(_FILE_RIGHTS.values()))) - 1
    attributes = struct.pack("=Q", rights)
    attributes += struct.pack("=Q", _NETWORK_RIGHTS) if version >= 4 else b""
    attributes += struct.pack("=Q", _SCOPES) if version >= 6 else b""
    ruleset = _require(_libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    _require(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _has_seccomp() -> bool:
    is_known = sys.platform == "linux" and platform.machine() in _ARCHITECTURES and sys.maxsize > 2**32
    return is_known and _libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def _deny_system_calls() -> None:
    program = _filter(platform.machine(), os.getpid())
    instructions = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions)))
    _require(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0))


def _filter(machine: str, pid: int) -> bytes:
    """Return the seccomp filter as classic BPF instructions: system calls that are not allowed fail with EPERM."""
    audit, column = _ARCHITECTURES[machine]
    refuse = _return(_ERRNO | errno.EPERM)
    parts = [_load(_ARCHITECTURE), _skip_unless(_EQUALS, audit, 1), _skip(1), _return(_KILL), _load(_NUMBER)]
    parts += [_skip_unless(_EQUALS, numbers[column], 1) + _return(_ALLOW) for numbers in _CALLS.values()]
    for numbers, argument, test, value, allowed in (
        (_MMAP, 2, _HAS_BITS, mmap.PROT_EXEC, False),
        (_MPROTECT, 2, _HAS_BITS, mmap.PROT_EXEC, False),
        (_CLONE, 0, _HAS_BITS, _CLONE_THREAD, True),  # threads, not processes
        (_TGKILL, 0, _EQUALS, pid, True),  # `abort`
        (_PRLIMIT, 0, _EQUALS, 0, True),  # of itself
    ):
        met, else_ = (_return(_ALLOW), refuse) if allowed else (refuse, _return(_ALLOW))
        check = _load(_ARGUMENTS + 8 * argument) + _skip_unless(test, value, 1) + met + else_
        parts.append(_skip_unless(_EQUALS, numbers[column], len(check) // 8) + check)
    # The flags of `clone3` are in memory, which a filter cannot read.
    parts.append(_skip_unless(_EQUALS, _CLONE3[column], 1) + _return(_ERRNO | errno.ENOSYS))
    return b"".join([*parts, refuse])


def _instruction(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, when_true, when_false, value)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, offset)


def _skip_unless(test: int, value: int, instructions: int) -> bytes:
    return _instruction(test, value, 0, instructions)


def _skip(instructions: int) -> bytes:
    return _instruction(0x05, instructions)


def _return(action: int) -> bytes:
    return _instruction(_RETURN, action)


def _require(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"The decoder cannot be confined: {os.strerror(number)}")
    return result
