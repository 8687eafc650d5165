"""The decoder process: a new interpreter that imports the codecs, and forks a child for each request.

A request is one byte on the control socket with four descriptors: a socket for the answer, a socket for the exit status of the
child, the file, and shared memory for arrays. When the client closes its end of the second socket, the child is killed. When it
closes the control socket, the process and all children end.
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

from segmentation.engine.decoder.child import Operation, handle_request
from segmentation.engine.imaging.admission import load_heif_codec
from segmentation.engine.sandbox.limits import descriptor_limit, lift_memory_limit

CONTROL = 3
"""Descriptor of the control socket; the process has no other but the standard ones."""

WITH_HEIC, WITHOUT_HEIC = b"h", b"-"
"""The byte of a request: whether the codec of HEIC, which is under the GPL, may be loaded."""

_DESCRIPTORS = 4  # of a request


def main(operations: Mapping[str, Operation] | None = None) -> None:
    """Serve requests until the control socket is closed; to be called once, in a new interpreter."""
    os.closerange(CONTROL + 1, descriptor_limit())
    os.chdir("/")
    lift_memory_limit()  # the process that started it may have a limit
    load()
    from segmentation.engine.decoder.operations import OPERATIONS  # noqa: PLC0415 - with the decoders, after the limits

    with socket.socket(fileno=CONTROL) as control:
        Server(control, OPERATIONS if operations is None else operations).serve()


def load() -> None:
    """Import all modules that codecs import late, since a confined child cannot open files."""
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    import imagecodecs  # noqa: PLC0415 - only the decoder process needs it
    import PIL.Image  # noqa: PLC0415 - as above
    import tifffile  # noqa: PLC0415 - as above

    PIL.Image.init()
    for kinds, codecs in (
        (tifffile.COMPRESSION, tifffile.TIFF.DECOMPRESSORS),
        (tifffile.PREDICTOR, tifffile.TIFF.UNPREDICTORS),
    ):
        for kind in kinds:
            with contextlib.suppress(KeyError):  # not all have a codec
                codecs[kind]
    for name in _CODECS:
        getattr(imagecodecs, name)


_CODECS = ("jpeg8_decode", "ljpeg_decode", "jpegsof3_decode", "jpegls_decode", "jpeg2k_decode", "jpegxl_decode")

_IMPORTED_LATE = (
    "segmentation.engine.imaging.png_reader", "segmentation.engine.imaging.tiff_reader",
    "segmentation.engine.imaging.geotiff", "segmentation.engine.imaging.tiff_pixel_size",
    "segmentation.engine.imaging.imagecodecs_reader", "segmentation.engine.imaging.dicom_reader",
    "encodings.ascii", "encodings.latin_1", "encodings.utf_16", "encodings.utf_16_be", "encodings.utf_16_le",
    "encodings.utf_32", "encodings.cp1252", "encodings.cp437", "encodings.mac_roman", "encodings.unicode_escape",
    "linecache", "tokenize", "traceback", "uuid", "xml.etree.ElementTree", "fractions", "datetime", "zoneinfo",
)  # fmt: skip


class Server:
    """Forks and reaps children; has one thread and never reads a file itself."""

    def __init__(self, control: socket.socket, operations: Mapping[str, Operation]) -> None:
        self._control = control
        self._operations = operations
        self._clients: dict[int, socket.socket] = {}  # sockets for the exit status, by process id
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Serve requests until the control socket is closed."""
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C reaches all processes of a terminal; the parent ends this one
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        wakeup, wakeup_sender = socket.socketpair()
        wakeup_sender.setblocking(False)
        wakeup.setblocking(False)
        signal.set_wakeup_fd(wakeup_sender.fileno(), warn_on_full_buffer=False)
        self._selector.register(wakeup, selectors.EVENT_READ)
        self._selector.register(self._control, selectors.EVENT_READ)
        gc.collect()
        gc.freeze()  # children share these pages
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is wakeup:
                    _drain(wakeup)
                    self._reap()
                elif key.fileobj is not self._control:
                    _kill(key.data)
                elif not self._accept():
                    return self._end()

    def _accept(self) -> bool:
        """Fork a child for the next request, and return False when the control socket is closed."""
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
        except OSError:  # the process limit is reached; closed sockets tell the client
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
            handle_request(descriptors, self._operations, parent=server)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        """Send the exit status of ended children to their clients."""
        while self._clients:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            seconds = usage.ru_utime + usage.ru_stime
            client = self._clients.pop(pid)
            self._selector.unregister(client)
            with client, contextlib.suppress(OSError):  # the client may have closed it
                client.send(json.dumps([os.waitstatus_to_exitcode(status), seconds]).encode())

    def _end(self) -> None:
        for pid in self._clients:
            _kill(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _drain(wakeup: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while wakeup.recv(4096):
            pass


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
