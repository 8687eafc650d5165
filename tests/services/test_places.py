"""Places for what is expensive: one for each person, a second to wait, and never more than half of the threads."""

import contextlib
import threading
import time

import pytest
from django.core.cache import cache

from segmentation.engine.exceptions import Busy, SegmentationError
from segmentation.exceptions import RateLimited
from segmentation.services import places
from segmentation.services.places import place_for
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hold():
    """Have a place for somebody, in a thread of its own; returns what gives it back."""
    go_on, threads, failures = threading.Event(), [], []

    def start(person):
        entered = threading.Event()

        def have():
            try:
                with place_for(person):
                    entered.set()
                    go_on.wait(60)
            except SegmentationError as error:
                failures.append(error.code)
            entered.set()

        threads.append(threading.Thread(target=have))
        threads[-1].start()
        return entered

    start.failures = failures
    start.release = go_on.set
    yield start
    go_on.set()
    for thread in threads:
        thread.join()
    assert not places._working
    assert not places._waiting


def people(count):
    return [factories.make_user(f"person-{n}") for n in range(count)]


def test_who_has_a_place_waits_a_second_for_another_and_is_told_to_come_again(hold, owner):
    assert hold(owner).wait(30)
    began = time.monotonic()
    with pytest.raises(RateLimited) as refused, place_for(owner):
        pass
    assert time.monotonic() - began >= places.WAIT_SECONDS
    assert refused.value.values["retry_after"] == 2


def test_a_place_that_is_given_back_goes_to_who_waits(hold, owner, monkeypatch):
    monkeypatch.setattr(places, "WAIT_SECONDS", 60.0)
    assert hold(owner).wait(30)
    second = hold(owner)
    hold.release()
    assert second.wait(30)
    assert hold.failures == []


def test_there_are_as_many_places_as_pictures_may_be_read_at_once(hold, settings, owner):
    settings.GMM_WEB_CHILDREN = 2
    for person in people(2):
        assert hold(person).wait(30)
    with pytest.raises(Busy), place_for(owner):
        pass


def test_those_who_have_and_those_who_wait_are_half_of_the_threads_at_most(hold, settings, monkeypatch, owner):
    monkeypatch.setattr(places, "WAIT_SECONDS", 60.0)
    settings.GMM_WEB_CHILDREN, settings.WEB_THREADS = 1, 8
    crowd = people(4)
    assert hold(crowd[0]).wait(30)
    for person in crowd[1:]:
        hold(person)
    while places._waiting.total() < 3:
        time.sleep(0.001)
    began = time.monotonic()
    with pytest.raises(Busy), place_for(owner):
        pass
    assert time.monotonic() - began < 30, "nobody waits who would be one too many"


def test_of_one_person_so_many_wait_that_somebody_else_may(hold, settings, monkeypatch, owner, stranger):
    monkeypatch.setattr(places, "WAIT_SECONDS", 60.0)
    settings.WEB_THREADS = 8
    assert hold(owner).wait(30)
    for _ in range(2):
        hold(owner)
    while places._waiting[owner.pk] < 2:
        time.sleep(0.001)
    with pytest.raises(RateLimited), place_for(owner):
        pass
    with place_for(stranger):
        pass


def test_a_person_with_a_place_in_another_process_gets_none_here(owner, stranger):
    cache.add(f"place:{owner.pk}", "of another process")
    with pytest.raises(RateLimited), place_for(owner):
        pass
    with place_for(stranger):
        pass
    assert cache.get(f"place:{owner.pk}") == "of another process"


def test_a_place_is_given_back_after_a_failure(owner):
    with contextlib.suppress(ZeroDivisionError), place_for(owner):
        raise ZeroDivisionError
    with place_for(owner):
        pass
