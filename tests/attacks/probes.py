"""What code that has taken over a decoder would try, as operations of a decoder process that is otherwise the real one."""

import ctypes
import errno
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from segmentation.engine.decoder import server

_libc = ctypes.CDLL(None, use_errno=True)
_PTRACE, _PROCESS_VM_READV, _CLONE, _MEMFD = 101, 310, 56, 319  # on x86-64


def attempt(action):
    """What an action gives, or how it is refused."""
    try:
        return {"got": action()}
    except (OSError, sqlite3.Error, ValueError, RuntimeError, subprocess.SubprocessError) as error:
        return {"refused": type(error).__name__}


def _call(number, *arguments):
    result = _libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def read_file(work):
    return attempt(lambda: Path(work.name).read_text())


def write_file(work):
    return attempt(lambda: Path(work.name).write_text("owned"))


def look_for_file(work):
    return attempt(lambda: Path(work.name).stat().st_size)


def list_folder(work):
    return attempt(lambda: [str(path) for path in Path(work.name).iterdir()])


def remove_file(work):
    return attempt(lambda: Path(work.name).unlink())


def open_database(work):
    return attempt(lambda: sqlite3.connect(work.name).execute("SELECT name FROM sqlite_master").fetchall())


def connect_tcp(work):
    def connect():
        with socket.socket() as client:
            client.connect(("127.0.0.1", int(work.name)))
            return "connected"

    return attempt(connect)


def connect_unix(work):
    def connect():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(work.name.replace("@", "\0"))
            return "connected"

    return attempt(connect)


def listen(_work):
    return attempt(lambda: socket.create_server(("127.0.0.1", 0)).getsockname())


def run_program(_work):
    return attempt(lambda: subprocess.run([sys.executable, "-c", ""], check=True).returncode)


def replace_itself(_work):
    return attempt(lambda: os.execv("/bin/true", ["true"]))  # noqa: S606 - the probe


def fork(_work):
    def start():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        return pid

    return attempt(start)


def clone(_work):
    return attempt(lambda: _call(_CLONE, signal.SIGCHLD, 0, 0, 0, 0) or os._exit(0))


def load_library(_work):
    return attempt(lambda: str(ctypes.CDLL("libBrokenLocale.so.1")))


def environment(_work):
    return {"got": [dict(os.environ), attempt(lambda: Path("/proc/self/environ").read_text())]}


def environment_of(work):
    return attempt(lambda: Path(f"/proc/{work.name}/environ").read_bytes().decode())


def kill(work):
    return attempt(lambda: os.kill(int(work.name), signal.SIGKILL))


def kill_group(_work):
    return attempt(lambda: os.killpg(0, signal.SIGKILL))


def kill_server(_work):
    return attempt(lambda: os.kill(os.getppid(), signal.SIGKILL))


def trace(work):
    return attempt(lambda: _call(_PTRACE, 16, int(work.name), 0, 0))  # PTRACE_ATTACH


def read_memory(work):
    return attempt(lambda: _call(_PROCESS_VM_READV, int(work.name), 0, 0, 0, 0, 0))


def limit_server(_work):
    return attempt(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)))


def lift_limits(_work):
    names = ("RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    return {
        "got": [attempt(lambda name=name: resource.setrlimit(getattr(resource, name), unlimited)) for name in names]
    }


def more_memory(_work):
    return attempt(lambda: _call(_MEMFD, b"more", 0))


def fill_memory(work):
    memory = work.writer._descriptor
    return {
        "got": [
            attempt(lambda: os.ftruncate(memory, 10**12)),
            attempt(lambda: os.pwrite(memory, b"x", 10**12)),
        ]
    }


def descriptors(_work):
    """Descriptors that can be asked for their place, and those that know none (sockets and pipes)."""
    places, others = [], []
    for number in range(1024):
        try:
            os.lseek(number, 0, os.SEEK_CUR)
            places.append(number)
        except OSError as error:
            if error.errno == errno.ESPIPE:
                others.append(number)
    return {"got": [len(places), len(others)]}


def from_a_thread(work):
    """Threads are allowed, and as confined."""
    found = []
    thread = threading.Thread(target=lambda: found.append(read_file(work)))
    thread.start()
    thread.join()
    return found[0]


def credentials(_work):
    return {"got": [attempt(lambda: os.setuid(0)), attempt(lambda: os.setgid(0))] if os.getuid() else []}


PROBES = {
    probe.__name__: probe
    for probe in (
        read_file, write_file, look_for_file, list_folder, remove_file, open_database, connect_tcp, connect_unix, listen,
        run_program, replace_itself, fork, clone, load_library, environment, environment_of, kill, kill_group, kill_server,
        trace, read_memory, limit_server, lift_limits, more_memory, fill_memory, descriptors, from_a_thread, credentials,
    )
}  # fmt: skip


def main(user=None):
    """Be a decoder process, as another user from when everything is imported."""
    server.load()
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    server.main(PROBES)
