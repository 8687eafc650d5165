"""The decoder process: bare, with the decoders loaded; forks one child for each request, and never decodes itself.

A request is one byte on the control socket with four descriptors: where to say the answer, where to say how the child has
ended, the file, and memory for arrays. When the second is closed at its other end, nobody waits for the child any more, and it
is killed. When the control socket is, everything ends.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
from collections.abc import Mapping
from typing import NoReturn

from segmentation.engine.decoder.child import Operation, live
from segmentation.engine.imaging.admission import load_heif_codec
from segmentation.engine.sandbox.limits import lift_memory_limit, most_descriptors

CONTROL = 3
"""The one descriptor that the process has, besides the standard ones."""

WITH_HEIC, WITHOUT_HEIC = b"h", b"-"
"""What the byte of a request says: whether the codec of HEIC, which is under the GPL, may be loaded."""

_DESCRIPTORS = 4  # of a request


def main(operations: Mapping[str, Operation] | None = None) -> None:
    """Serve until the control socket is closed. For a new interpreter that has nothing else to do."""
    os.closerange(CONTROL + 1, most_descriptors())
    os.chdir("/")
    lift_memory_limit()  # who has started it may be limited itself
    load()
    from segmentation.engine.decoder.operations import OPERATIONS  # noqa: PLC0415 - with the decoders, after the limits

    with socket.socket(fileno=CONTROL) as control:
        Server(control, OPERATIONS if operations is None else operations).serve()


def load() -> None:
    """Import everything that any decoder imports when it first needs it: a confined child can open no file."""
    for name in _NEEDED_LATER:
        importlib.import_module(name)
    import imagecodecs  # noqa: PLC0415 - the server's alone
    import PIL.Image  # noqa: PLC0415 - the same
    import tifffile  # noqa: PLC0415 - the same

    PIL.Image.init()
    for kinds, codecs in (
        (tifffile.COMPRESSION, tifffile.TIFF.DECOMPRESSORS),
        (tifffile.PREDICTOR, tifffile.TIFF.UNPREDICTORS),
    ):
        for kind in kinds:
            with contextlib.suppress(KeyError):  # not all are known
                codecs[kind]
    for name in _CODECS:
        getattr(imagecodecs, name)


_CODECS = ("jpeg8_decode", "ljpeg_decode", "jpegsof3_decode", "jpegls_decode", "jpeg2k_decode", "jpegxl_decode")

_NEEDED_LATER = (
    "segmentation.engine.imaging.png_reader", "segmentation.engine.imaging.tiff_reader",
    "segmentation.engine.imaging.geotiff", "segmentation.engine.imaging.tiff_pixel_size",
    "segmentation.engine.imaging.imagecodecs_reader", "segmentation.engine.imaging.dicom_reader",
    "encodings.ascii", "encodings.latin_1", "encodings.utf_16", "encodings.utf_16_be", "encodings.utf_16_le",
    "encodings.utf_32", "encodings.cp1252", "encodings.cp437", "encodings.mac_roman", "encodings.unicode_escape",
    "linecache", "tokenize", "traceback", "uuid", "xml.etree.ElementTree", "fractions", "datetime", "zoneinfo",
)  # fmt: skip


class Server:
    """Forks children and reaps them; has one thread and knows no pictures."""

    def __init__(self, control: socket.socket, operations: Mapping[str, Operation]) -> None:
        self._control = control
        self._operations = operations
        self._clients: dict[int, socket.socket] = {}  # by the child that works for them
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal: whoever has started it decides
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        waking, wake = socket.socketpair()
        wake.setblocking(False)
        waking.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(waking, selectors.EVENT_READ)
        self._selector.register(self._control, selectors.EVENT_READ)
        gc.collect()
        gc.freeze()  # children share these pages
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is waking:
                    _drain(waking)
                    self._reap()
                elif key.fileobj is not self._control:
                    _kill(key.data)
                elif not self._take():
                    return self._end()

    def _take(self) -> bool:
        """Fork a child for a request; returns whether there will be more."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, _DESCRIPTORS)
        if not message:
            return False
        if len(descriptors) == _DESCRIPTORS:
            if message == WITH_HEIC:
                load_heif_codec()
            self._fork(descriptors)
        else:
            _close(descriptors)
        return True

    def _fork(self, descriptors: list[int]) -> None:
        answer, client, file, memory = descriptors
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no room for another process: the client sees that nobody works for it
            _close(descriptors)
            return
        if pid == 0:
            self._become_child((answer, file, memory), server)
        _close([answer, file, memory])
        self._clients[pid] = socket.socket(fileno=client)
        self._selector.register(self._clients[pid], selectors.EVENT_READ, pid)

    def _become_child(self, descriptors: tuple[int, int, int], server: int) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            live(descriptors, self._operations, parent=server)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        """Tell the clients of children that have ended how."""
        while self._clients:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            seconds = usage.ru_utime + usage.ru_stime
            client = self._clients.pop(pid)
            self._selector.unregister(client)
            with client, contextlib.suppress(OSError):  # it may have given up
                client.send(json.dumps([os.waitstatus_to_exitcode(status), seconds]).encode())

    def _end(self) -> None:
        for pid in self._clients:
            _kill(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _drain(waking: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while waking.recv(4096):
            pass


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
