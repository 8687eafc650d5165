"""The decoder process: its results equal those of decoding here; its use by threads and forked children; its restart."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from segmentation.engine import decoder, imaging
from segmentation.engine.decoder import client
from segmentation.engine.decoder.connection import Connection
from segmentation.engine.exceptions import ChildFailed, Refusal
from segmentation.engine.imaging import masks
from segmentation.engine.sandbox import Allowance, Child
from tests.engine.imaging.pictures import HEIC, LIMITS, grey, png_16_bit, rgb_profile, saved, tiff, values_16_bit
from tests.processes import ROOT, children_of, decoders_of, eventually, is_running

COLOUR = grey((16, 24, 3))
ALPHA = np.dstack([COLOUR, grey((16, 24))])
EXIF = PIL.Image.Exif()
EXIF[0x0112], EXIF[0x010F] = 6, "Maker"
FILES = {
    "png": saved(COLOUR, "PNG", icc_profile=rgb_profile(swapped=True), exif=EXIF, dpi=(300, 300)),
    "png alpha": saved(ALPHA, "PNG"),
    "png grey": saved(grey((16, 24)), "PNG"),
    "png one bit": saved(PIL.Image.fromarray(grey((16, 24))).convert("1"), "PNG"),
    "palette": saved(PIL.Image.fromarray(COLOUR).quantize(8), "PNG", transparency=0),
    "16-bit png": png_16_bit(values_16_bit((16, 16, 4))),
    "jpeg": saved(COLOUR, "JPEG", icc_profile=rgb_profile(swapped=True), exif=EXIF),
    "cmyk": saved(PIL.Image.fromarray(COLOUR).convert("CMYK"), "JPEG"),
    "webp": saved(COLOUR, "WEBP", exif=EXIF),
    "gif": saved(COLOUR, "GIF", save_all=True, append_images=[PIL.Image.fromarray(grey((16, 24)))]),
    "bmp": saved(COLOUR, "BMP"),
    "avif": saved(COLOUR, "AVIF"),
    "heic": HEIC,
    "lab": saved(PIL.Image.fromarray(COLOUR, "LAB"), "TIFF"),
    "pages": tiff(values_16_bit((3, 16, 16)).astype(np.float32), photometric="minisblack"),
    "big endian": tiff(values_16_bit((16, 16, 3)).astype(">u2"), photometric="rgb", byteorder=">"),
    "signed": tiff(values_16_bit((16, 16)).astype(np.int16), photometric="minisblack"),
    "long": tiff(values_16_bit((16, 16)).astype(np.int64), photometric="minisblack"),
    "holes": tiff(np.where(values_16_bit((16, 16)) % 2, np.nan, 1).astype(np.float32), photometric="minisblack"),
    "bands": tiff(values_16_bit((16, 16, 7)), photometric="minisblack", planarconfig="contig"),
    **{f"pillow {name}": saved(COLOUR, "TIFF", compression=name) for name in (
        "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "zstd", "tiff_lzma",
    )},
    **{f"pillow {name}": saved(PIL.Image.fromarray(grey((16, 24))).convert("1"), "TIFF", compression=name) for name in (
        "group3", "group4", "tiff_ccitt",
    )},
    **{f"tiff {name}": tiff(values, photometric="rgb", compression=name, **options) for name, values, options in (
        ("deflate", values_16_bit((16, 16, 3)), {"predictor": True}), ("lzw", values_16_bit((16, 16, 3)), {}), ("lzma", values_16_bit((16, 16, 3)), {}),
        ("zstd", values_16_bit((16, 16, 3)), {}), ("jpeg2000", values_16_bit((16, 16, 3)), {}), ("jpegxl", COLOUR, {}), ("webp", COLOUR, {}),
        ("jpegxr", values_16_bit((16, 16, 3)), {}), ("png", COLOUR, {}), ("lerc", values_16_bit((16, 16, 3)), {}), ("packbits", COLOUR, {}),
    )},
    "floats with a predictor": tiff(values_16_bit((16, 16)).astype(np.float32), compression="deflate", predictor=True),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_the_confined_decoder_returns_the_same_pictures(kind):
    """All codecs are imported before the process is confined."""
    data = FILES[kind]
    here, there = (read(data, name="", limits=LIMITS) for read in (imaging.decode, decoder.decode))
    for name in ("pixels", "data", "valid"):
        one, other = getattr(here, name), getattr(there, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype.newbyteorder("=") == other.dtype
            np.testing.assert_array_equal(one, other)
    assert (here.data is here.pixels) == (there.data is there.pixels)
    assert (here.header, here.notices, here.metadata) == (there.header, there.notices, there.metadata)
    assert imaging.inspect(data, name="", limits=LIMITS) == decoder.inspect(data, name="", limits=LIMITS)


@pytest.mark.parametrize("image_format", ["PNG", "GIF", "BMP", "TIFF"])
def test_the_confined_decoder_returns_the_same_masks(image_format):
    painted = np.zeros((16, 24), np.uint8)
    painted[3:9, 5:20] = 255
    data = saved(painted, image_format)
    np.testing.assert_array_equal(
        decoder.read_mask(data, name="", limits=LIMITS), masks.read(data, name="", limits=LIMITS)
    )
    assert decoder.inspect_mask(data, name="", limits=LIMITS) == masks.master(data, name="", limits=LIMITS)


def png_of(width, height):
    """A PNG of more pixels than are taken."""
    return saved(np.zeros((height, width), np.uint8), "PNG")


def test_refusals_come_back_with_their_values(tmp_path):
    (tmp_path / "a").write_bytes(FILES["png"])
    for data in (b"", b"nothing", FILES["png"][:60], png_of(2000, 2000)):
        with pytest.raises(Refusal) as here:
            imaging.decode(data, name="a.bmp", limits=LIMITS)
        with pytest.raises(Refusal) as there:
            decoder.decode(data, name="a.bmp", limits=LIMITS)
        assert (str(here.value), here.value.code) == (str(there.value), there.value.code)


def test_an_open_file_is_read_from_its_beginning(tmp_path):
    (tmp_path / "a").write_bytes(FILES["png"])
    with (tmp_path / "a").open("rb") as file:
        file.read(7)
        assert decoder.inspect(file, name="a.png", limits=LIMITS).width == 16


def test_memory_beyond_the_allowance_is_refused():
    data = saved(np.zeros((4000, 4000, 3), np.uint8), "PNG")
    limits = imaging.Limits(bytes=10**7, pixels=10**8, decoded_bytes=10**9)
    with pytest.raises(ChildFailed) as failed:
        decoder.decode(data, name="", limits=limits, allowance=Allowance(memory=20_000_000, seconds=60))
    assert failed.value.code == "out_of_memory"


def test_threads_get_their_own_pictures():
    found = {}

    def read(side):
        data = saved(grey((side, side, 3)), "PNG")
        found[side] = decoder.decode(data, name="", limits=LIMITS).pixels.shape

    threads = [threading.Thread(target=read, args=(side,)) for side in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {side: (side, side, 3) for side in range(1, 17)}


def test_a_decoder_that_was_killed_is_started_again():
    decoder.ensure_started()
    before = client._connection._pid
    os.kill(before, signal.SIGKILL)
    eventually(lambda: not is_running(before))
    assert decoder.decode(FILES["png"], name="", limits=LIMITS).pixels.shape == (24, 16, 3)
    assert client._connection._pid != before


def test_a_forked_child_uses_the_decoder_of_its_parent_or_starts_its_own():
    decoder.ensure_started()
    before = client._connection._pid

    def ask(kill):
        if kill:
            os.kill(before, signal.SIGKILL)
            eventually(lambda: not is_running(before))
        shape = decoder.decode(FILES["png"], name="", limits=LIMITS).pixels.shape
        return shape, client._connection._pid

    for kill in (False, True):
        child = Child.fork(lambda _report, kill=kill: ask(kill), allowance=Allowance(memory=5 * 10**8, seconds=60))
        eventually(child.poll)
        shape, pid = child.result()
        assert shape == (24, 16, 3)
        assert (pid != before) == kill
        eventually(lambda pid=pid, kill=kill: not kill or not is_running(pid))  # it ends with the child


def test_a_decoder_that_does_not_start_is_reported(capfd):
    connection = Connection("raise SystemExit('no such library')")
    with pytest.raises(ChildFailed) as failed:
        connection.ask({"limits": {"heic": False}}, 0, allowance=decoder.DEFAULT_ALLOWANCE, max_output=1)
    connection.close()
    assert failed.value.code == "crashed"
    assert "no such library" in capfd.readouterr().err


def test_no_child_is_left_after_a_timeout_of_the_client():
    program = (
        "from segmentation.engine.decoder.server import main\n"
        "import threading\n"
        "main({'wait': lambda work: threading.Event().wait()})"
    )
    connection = Connection(f"exec({program!r})")
    request = {
        "operation": "wait", "name": "", "limits": {"bytes": 1, "pixels": 1, "decoded_bytes": 1, "heic": False}, "reading": {},
        "memory": 10**8,
        "budget_factor": 1, "max_output": 1,
    }  # fmt: skip
    with client._opened(b"a file") as file, pytest.raises(ChildFailed) as failed:
        connection.ask(request, file, allowance=Allowance(memory=10**8, seconds=3), max_output=1)
    assert failed.value.code == "deadline"
    eventually(lambda: not children_of(connection._pid))
    connection.close()


def test_the_decoder_process_has_no_settings_and_no_environment(monkeypatch):
    """It imports neither Django nor the settings, and does not inherit environment variables."""
    monkeypatch.setenv("SECRET_KEY", "the site's secret key")
    program = (
        "import sys, os\n"
        "from segmentation.engine.decoder import server\n"
        "server.load()\n"
        "modules = set(sys.modules)\n"
        "main = {'inspect': lambda work: {'django': 'django' in modules, 'settings': 'gmmsite.settings' in modules,"
        " 'environment': sorted(os.environ)}}\n"
        "server.main(main)"
    )
    connection = Connection(f"exec({program!r})")
    request = {
        "operation": "inspect", "name": "", "limits": {"bytes": 1, "pixels": 1, "decoded_bytes": 1, "heic": False}, "reading": {},
        "memory": 10**8,
        "budget_factor": 1, "max_output": 1,
    }  # fmt: skip
    with client._opened(b"a file") as file:
        seen, _ = connection.ask(request, file, allowance=decoder.DEFAULT_ALLOWANCE, max_output=1)
    assert Path(f"/proc/{connection._pid}/cwd").readlink() == Path("/")
    assert b"SECRET" not in Path(f"/proc/{connection._pid}/environ").read_bytes()
    connection.close()
    assert (seen["django"], seen["settings"]) == (False, False)
    assert set(seen["environment"]) <= {
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
    }


def test_it_ends_with_the_process_that_started_it():
    program = "from segmentation.engine import decoder\ndecoder.ensure_started()\nprint(flush=True)\ninput()\n"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as site:
        site.stdout.readline()
        (pid,) = decoders_of(site.pid)
        site.kill()
        eventually(lambda: not is_running(pid))
