"""The local storage: incomplete files, a full disk, and permissions for nginx."""

import errno
import os
import signal

import pytest

from segmentation import files
from segmentation.exceptions import StorageFull
from segmentation.storage import local
from tests import factories


def test_a_process_that_is_killed_while_it_writes_leaves_a_temporary_file_and_no_other(media_root):
    """A stored file is always complete. The sweep deletes the temporary file after a day."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:

        class Slow:
            def chunks(self):
                yield b"first half"
                os.write(sending, b"!")
                signal.pause()

        files.put("images/a/original", Slow())
        os._exit(1)
    os.read(receiving, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = (file.key for file in files.walk("images"))
    assert files.is_temporary(left)
    assert not files.exists("images/a/original")
    files.put("images/a/original", b"whole")
    assert files.read("images/a/original") == b"whole"


def test_what_is_put_together_is_flushed_together_at_the_end_and_its_folder_once(media_root, monkeypatch):
    flushed = []
    monkeypatch.setattr(local, "flush", flushed.append)
    monkeypatch.setattr(local.os, "fsync", flushed.append)
    with files.batch():
        files.put("runs/a/one", b"1")
        files.put("runs/a/two", b"2")
        assert (files.read("runs/a/one"), flushed) == (b"1", [])
    folder = media_root / "runs" / "a"
    assert flushed == [folder / "one", folder / "two", folder]
    files.put("runs/a/three", b"3")
    assert (len(flushed), flushed[-1]) == (5, folder), "afterwards each is flushed by itself again"


def test_a_flush_that_fails_is_a_storage_that_has_failed(media_root, monkeypatch):
    def fail(_path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local, "flush", fail)
    with pytest.raises(StorageFull), files.batch():
        files.put("runs/a/one", b"1")


def test_there_is_room_on_the_disk_before_the_first_picture(media_root, settings):
    settings.MEDIA_ROOT = media_root / "not yet"
    assert files.space_left() is not None
    assert not settings.MEDIA_ROOT.exists(), "asking makes nothing: a disk that is gone must be seen to be gone"


def test_the_room_that_is_left_is_that_of_the_disk_of_the_pictures(small_disk):
    free, total = files.space_left()
    assert 0 < free <= total
    if small_disk.is_mounted:
        assert total == small_disk.bytes


def test_a_full_disk_is_said_to_be_full_and_keeps_nothing(small_disk, media_root, caplog):
    with pytest.raises(StorageFull, match="The disk for pictures is full"):
        files.put("images/a/original", bytes(small_disk.bytes + 1))
    assert [path for path in media_root.rglob("*") if path.is_file()] == []
    assert "The disk that holds the pictures is full" in caplog.text
    files.put("images/a/original", b"small")
    assert files.read("images/a/original") == b"small"


def test_nginx_is_told_where_the_original_stands(client, settings, owner, stranger):
    data = factories.encoded(factories.pixels())
    settings.GMM_DOWNLOADS, settings.SENDFILE_ROOT = "nginx", settings.MEDIA_ROOT
    image = factories.make_image(owner, data, "höhe.png")
    client.force_login(owner)
    answer = client.get(f"/images/{image.pk}/original")
    assert (answer.status_code, answer.content) == (200, b"")
    place = answer.headers["X-Accel-Redirect"]
    assert (settings.MEDIA_ROOT / place.removeprefix("/_gmm_media/")).read_bytes() == data
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''h%C3%B6he")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    client.force_login(stranger)
    refused = client.get(f"/images/{image.pk}/original")
    assert (refused.status_code, refused.has_header("X-Accel-Redirect")) == (404, False)
