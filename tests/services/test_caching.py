"""The cache of files that are made on request, on any storage."""

import io
import threading
from datetime import timedelta

import pytest
from django.core.files.base import File
from django.db import connections
from django.utils import timezone

from segmentation import files, services, upkeep
from segmentation.engine.exceptions import SegmentationError
from segmentation.models import CachedFile
from segmentation.models.cached_files import PICTURE_TILES
from segmentation.services import caching
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


class Making:
    """Makes a file and counts how often."""

    def __init__(self, content=b"made"):
        self.content = content
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.content


def cached(thing, make, name="values", **more):
    with services.cached_file(thing=thing, name=name, make=make, **more) as file:
        return file.read()


def in_cache(media):
    return media.keys("cache")


def used_ago(name, **ago):
    CachedFile.objects.filter(name=name).update(used=timezone.now() - timedelta(**ago))


def test_a_file_is_made_once_and_read_from_then_on(image, finished_run, media):
    for thing in (image, finished_run):
        make = Making()
        assert [cached(thing, make) for _ in range(3)] == [b"made"] * 3
        assert make.times == 1
    assert sorted(row.key for row in CachedFile.objects.all()) == in_cache(media)
    assert CachedFile.objects.total_bytes() == 8


def test_reading_is_no_write(image, django_assert_num_queries):
    cached(image, Making())
    with django_assert_num_queries(1):
        cached(image, Making())
    used_ago("values", hours=2)
    with django_assert_num_queries(2):  # one notes the use
        cached(image, Making())
    with django_assert_num_queries(1):
        cached(image, Making())


def test_an_open_file_can_be_what_is_made(image, tmp_path):
    (tmp_path / "values").write_bytes(b"0123456789")
    made = lambda: File((tmp_path / "values").open("rb"))  # noqa: E731 - opened anew for each use
    assert cached(image, made) == cached(image, made) == b"0123456789"


def test_parts_are_read_of_a_stored_file_and_of_one_just_made(image):
    content = bytes(range(256)) * 4000
    for _ in range(2):
        with services.cached_file(thing=image, name="values", make=Making(content), in_parts=True) as file:
            for start in (500_000, 7, 900_001, len(content) - 3):
                file.seek(start)
                assert file.read(70_000) == content[start : start + 70_000]
            assert file.seek(-5, io.SEEK_END) == len(content) - 5
            assert (file.read(), file.read()) == (content[-5:], b"")


def test_another_version_takes_the_place_of_the_former(image, media):
    for version in (1, 2, 1):
        make = Making(b"%d" % version)
        assert cached(image, make, version=version) == b"%d" % version
        assert make.times == 1
        assert len(in_cache(media)) == 1


def test_a_file_that_has_vanished_is_made_again(image, media):
    cached(image, Making())
    media.delete(in_cache(media)[0])
    make = Making()
    assert (cached(image, make), cached(image, make), make.times) == (b"made", b"made", 1)
    assert len(in_cache(media)) == 1


def test_requests_of_the_same_moment_make_it_once(image):
    entered, go_on = threading.Event(), threading.Event()
    made, answers = [], []

    def make():
        made.append(1)
        entered.set()
        assert go_on.wait(20)
        return b"made"

    def ask():
        try:
            answers.append(cached(image, make))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert entered.wait(20)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert (answers, len(made)) == ([b"made"] * 3, 1)
    assert not caching._locks


def test_of_two_processes_that_make_it_one_file_is_kept(image, media):
    """The other process has stored its own while this one was making."""

    def make():
        CachedFile.objects.create(image=image, name="values", bytes=5)
        return b"made"

    assert cached(image, make) == b"made"
    assert in_cache(media) == []  # its own is gone; the other's row stands, whose file was never there in this test
    assert CachedFile.objects.count() == 1


def test_an_error_while_it_is_made_is_the_callers_and_the_next_request_tries_again(image):
    def fail():
        raise SegmentationError("not_found", "There is nothing.")

    with pytest.raises(SegmentationError):
        cached(image, fail)
    assert cached(image, Making()) == b"made"


def test_what_was_used_longest_ago_makes_room(owner, stranger, settings, media):
    settings.GMM_CACHE_BYTES = 40  # 10 a person
    images = [factories.make_image(owner), factories.make_image(stranger)]
    for number in range(2):
        cached(images[0], Making(b"12345"), name=f"{number}")
    used_ago("0", hours=3)
    used_ago("1", hours=5)
    cached(images[0], Making(b"12345"), name="0")  # a use, which is noted
    cached(images[0], Making(b"12345"), name="2")
    assert set(CachedFile.objects.values_list("name", flat=True)) == {"0", "2"}
    assert len(in_cache(media)) == 2


def test_one_person_cannot_push_out_what_is_others(owner, stranger, settings, media):
    settings.GMM_CACHE_BYTES = 40
    theirs, mine = factories.make_image(stranger), factories.make_image(owner)
    cached(theirs, Making(b"1234567"), name="theirs")
    used_ago("theirs", days=3)
    for number in range(20):
        cached(mine, Making(b"1234567"), name=f"{number}")
    assert CachedFile.objects.filter(image=theirs).count() == 1
    assert CachedFile.objects.filter(image=mine).total_bytes() <= 10
    assert len(in_cache(media)) == 2


def test_all_together_stay_below_the_limit(settings, media):
    settings.GMM_CACHE_BYTES = 40
    for number in range(6):
        person = factories.make_user(f"person-{number}")
        cached(factories.make_image(person), Making(b"123456789"), name=f"{number}")
        used_ago(f"{number}", minutes=10 - number)
    assert set(CachedFile.objects.values_list("name", flat=True)) == {"2", "3", "4", "5"}
    assert len(in_cache(media)) == 4


@pytest.mark.parametrize("limit", [0, 12])
def test_what_is_larger_than_the_room_is_served_and_not_kept(image, settings, media, limit):
    settings.GMM_CACHE_BYTES = limit
    make = Making()
    assert [cached(image, make) for _ in range(2)] == [b"made"] * 2
    assert (make.times, in_cache(media), CachedFile.objects.count()) == (2, [], 0)


def test_a_storage_that_takes_nothing_does_not_stop_who_asks(image, media):
    with media.closed("cache"):
        assert cached(image, Making()) == b"made"
    assert not CachedFile.objects.exists()


@pytest.mark.parametrize("gone", ["run", "image", "owner"])
def test_cached_files_go_with_what_they_were_made_of(finished_run, media, gone):
    image = finished_run.image
    for thing in (image, finished_run):
        cached(thing, Making())
    {"run": finished_run, "image": image, "owner": image.owner}[gone].delete()
    assert len(in_cache(media)) == (1 if gone == "run" else 0) == CachedFile.objects.count()


def test_the_sweep_drops_rows_without_a_file_and_rows_without_an_image(image, media):
    cached(image, Making(), name="lost")
    media.delete(in_cache(media)[0])
    cached(image, Making(), name=PICTURE_TILES)
    other = factories.make_image(image.owner)
    cached(other, Making(), name="dangling")
    type(other).objects.filter(pk=other.pk)._raw_delete("default")  # as a release does that knows no cache
    files.delete_prefix(files.image_prefix(other.pk))
    report = upkeep.sweep_files()
    assert list(CachedFile.objects.values_list("name", flat=True)) == [PICTURE_TILES]
    assert (report.cached, report.cached_bytes, report.is_sound) == (1, 4, True)
    assert len(in_cache(media)) == 1


def test_strangers_see_no_row(finished_run, stranger, staff):
    cached(finished_run, Making())
    assert CachedFile.objects.visible_to(finished_run.image.owner).count() == 1
    assert CachedFile.objects.visible_to(stranger).count() == 0
    assert CachedFile.objects.visible_to(staff).count() == 1
