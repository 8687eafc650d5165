import uuid

import pytest

from segmentation import files
from segmentation.exceptions import StorageUnavailable


def test_what_was_put_is_read_back(media_root):
    files.put("images/a/original", b"bytes")
    assert files.read("images/a/original") == b"bytes"
    assert (media_root / "images/a/original").read_bytes() == b"bytes"


def test_a_put_that_fails_leaves_nothing_behind(media_root):
    class Torn:
        def chunks(self):
            yield b"first half"
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageUnavailable) as refused:
        files.put("images/a/original", Torn())
    assert refused.value.code == "storage_unavailable"
    assert not files.exists("images/a/original")
    assert [entry for entry in media_root.rglob("*") if entry.is_file()] == []


def test_reading_what_is_not_there_says_that_the_storage_has_it_not(media_root):
    with pytest.raises(StorageUnavailable):
        files.read("images/none/original")


def test_deleting_a_prefix_takes_its_files_and_leaves_its_neighbours(media_root):
    run, lease, other = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for attempt in (lease, other):
        files.put(files.run_key(run, attempt, "binary.png"), b"png")
    files.delete_prefix(files.run_prefix(run, lease))
    assert not files.exists(files.run_key(run, lease, "binary.png"))
    assert files.exists(files.run_key(run, other, "binary.png"))
    files.delete_prefix(files.run_prefix(run))
    files.delete_prefix(files.run_prefix(run))  # a second time is no error
    assert list((media_root / "runs").iterdir()) == []
