import io
import uuid

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from segmentation import files
from segmentation.exceptions import StorageUnavailable
from segmentation.storage import s3
from tests.media import is_on_disk


def test_what_was_put_is_read_back(media):
    files.put("images/a/original", b"bytes")
    assert files.read("images/a/original") == b"bytes"
    with files.open_file("images/a/original") as file:
        assert (file.read(2), file.read(2), file.read()) == (b"by", b"te", b"s")
    assert media.keys() == ["images/a/original"]


def test_a_file_of_several_pieces_is_put_from_its_beginning_and_stays_open(media, tmp_path):
    data = bytes(range(256)) * 1000
    (tmp_path / "upload").write_bytes(data)
    with File((tmp_path / "upload").open("rb")) as upload:
        upload.read(5)  # whoever inspected it has left it somewhere
        upload.seek(0)
        files.put("images/a/original", upload)
        assert not upload.closed
    assert files.read("images/a/original") == data


class Torn(ContentFile):
    """A source that breaks in its middle."""

    def read(self, *_args):
        raise OSError(5, "Input/output error")

    def chunks(self, *_args):
        yield b"first half"
        raise OSError(5, "Input/output error")


def test_a_put_that_fails_leaves_nothing_behind(media):
    with pytest.raises(StorageUnavailable) as refused:
        files.put("images/a/original", Torn(b"first half and second half"))
    assert refused.value.code == "storage_unavailable"
    assert not files.exists("images/a/original")
    assert media.keys() == []


def test_reading_what_is_not_there_says_that_the_storage_has_it_not(media):
    with pytest.raises(StorageUnavailable):
        files.read("images/none/original")
    with pytest.raises(StorageUnavailable):
        files.open_file("images/none/original")


def test_deleting_a_prefix_takes_its_files_and_leaves_its_neighbours(media):
    run, lease, other = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for attempt in (lease, other):
        files.put(files.run_key(run, attempt, "binary.png"), b"png")
    files.delete_prefix(files.run_prefix(run, lease))
    assert media.keys() == [files.run_key(run, other, "binary.png")]
    files.delete_prefix(files.run_prefix(run))
    files.delete_prefix(files.run_prefix(run))  # a second time is no error
    assert media.keys() == []


def test_deleting_a_prefix_can_keep_one_folder_of_it(media):
    run, lease, other = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for attempt in (lease, other):
        files.put(files.run_key(run, attempt, "binary.png"), b"png")
    files.delete_prefix(files.run_prefix(run), keep=(str(lease), files.INPUTS))
    assert media.keys() == [files.run_key(run, lease, "binary.png")]


def test_a_listing_has_all_files_folder_by_folder_in_the_order_of_names(media):
    keys = [f"runs/{run}/{lease}/{name}" for run in "abc" for lease in "xy" for name in ("binary.png", "fit.npz")]
    for key in reversed(keys):
        files.put(key, key.encode())
    listed = list(files.walk("runs"))
    assert [file.key for file in listed] == keys
    assert {file.bytes for file in listed} == {len(keys[0]), len(keys[1])}
    assert all(abs((file.modified - files.now()).total_seconds()) < 60 for file in listed)
    assert list(files.walk("images")) == []


def test_the_clock_of_the_storage_leaves_nothing_behind(media):
    files.now()
    assert media.keys() == []


def test_a_file_that_was_read_already_is_stored_from_its_beginning(media):
    source = File(io.BytesIO(b"all of it"), name="original")  # without a name it would count as no file
    source.seek(0, io.SEEK_END)
    files.put("images/a/original", source)
    assert files.read("images/a/original") == b"all of it"


if not is_on_disk():

    def test_an_object_that_is_too_large_for_one_request_is_put_in_parts(media, monkeypatch):
        """S3 takes parts of 5 MiB and more."""
        monkeypatch.setattr(s3, "_LARGEST_REQUEST", 1_000_000)
        monkeypatch.setattr(s3, "_PUT_PART", 5 * 1024 * 1024)
        data = bytes(range(256)) * 45_000
        files.put("outputs/a/archive.zip", File(io.BytesIO(data)))
        assert files.read("outputs/a/archive.zip") == data
        files.put("outputs/a/archive.zip", File(io.BytesIO(data[::-1])))
        assert files.read("outputs/a/archive.zip") == data, "what stands there stays"

    def test_parts_of_an_object_that_cannot_be_read_to_its_end_are_taken_back(media, monkeypatch):
        monkeypatch.setattr(s3, "_LARGEST_REQUEST", 1_000_000)
        monkeypatch.setattr(s3, "_PUT_PART", 5 * 1024 * 1024)

        class Torn(io.BytesIO):
            def read(self, size=-1):
                if self.tell():
                    raise OSError("torn")
                return super().read(size)

        with pytest.raises(StorageUnavailable):
            files.put("outputs/a/archive.zip", File(Torn(bytes(11_000_000))))
        assert media.keys("outputs") == []
        bucket = default_storage.bucket_name
        assert "Uploads" not in default_storage.connection.meta.client.list_multipart_uploads(Bucket=bucket)
