"""Processing slots: one for each person, waiting for at most a second, and never more than half of the threads."""

import contextlib
import threading
import time

import pytest
from django.core.cache import cache

from segmentation.engine.exceptions import Busy, SegmentationError
from segmentation.exceptions import RateLimited
from segmentation.services import processing_slots
from segmentation.services.processing_slots import processing_slot
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hold():
    """Hold a slot for a person in a thread of its own; returns a function that releases it."""
    go_on, threads, failures = threading.Event(), [], []

    def start(person):
        entered = threading.Event()

        def have():
            try:
                with processing_slot(person):
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
    assert not processing_slots._working
    assert not processing_slots._waiting


def people(count):
    return [factories.make_user(f"person-{n}") for n in range(count)]


def test_a_person_with_a_slot_waits_a_second_for_another_and_is_refused(hold, owner):
    assert hold(owner).wait(30)
    began = time.monotonic()
    with pytest.raises(RateLimited) as refused, processing_slot(owner):
        pass
    assert time.monotonic() - began >= processing_slots.WAIT_SECONDS
    assert refused.value.values["retry_after"] == 2


def test_a_released_slot_goes_to_a_waiting_request(hold, owner, monkeypatch):
    monkeypatch.setattr(processing_slots, "WAIT_SECONDS", 60.0)
    assert hold(owner).wait(30)
    second = hold(owner)
    hold.release()
    assert second.wait(30)
    assert hold.failures == []


def test_there_are_as_many_slots_as_children(hold, settings, owner):
    settings.GMM_WEB_CHILDREN = 2
    for person in people(2):
        assert hold(person).wait(30)
    with pytest.raises(Busy), processing_slot(owner):
        pass


def test_those_who_have_and_those_who_wait_are_half_of_the_threads_at_most(hold, settings, monkeypatch, owner):
    monkeypatch.setattr(processing_slots, "WAIT_SECONDS", 60.0)
    settings.GMM_WEB_CHILDREN, settings.WEB_THREADS = 1, 8
    crowd = people(4)
    assert hold(crowd[0]).wait(30)
    for person in crowd[1:]:
        hold(person)
    while processing_slots._waiting.total() < 3:
        time.sleep(0.001)
    began = time.monotonic()
    with pytest.raises(Busy), processing_slot(owner):
        pass
    assert time.monotonic() - began < 30, "nobody waits who would be one too many"


def test_of_one_person_so_many_wait_that_somebody_else_may(hold, settings, monkeypatch, owner, stranger):
    monkeypatch.setattr(processing_slots, "WAIT_SECONDS", 60.0)
    settings.WEB_THREADS = 8
    assert hold(owner).wait(30)
    for _ in range(2):
        hold(owner)
    while processing_slots._waiting[owner.pk] < 2:
        time.sleep(0.001)
    with pytest.raises(RateLimited), processing_slot(owner):
        pass
    with processing_slot(stranger):
        pass


def test_a_person_with_a_slot_in_another_process_gets_none_here(owner, stranger):
    cache.add(f"processing-slot:{owner.pk}", "of another process")
    with pytest.raises(RateLimited), processing_slot(owner):
        pass
    with processing_slot(stranger):
        pass
    assert cache.get(f"processing-slot:{owner.pk}") == "of another process"


def test_a_slot_is_released_after_a_failure(owner):
    with contextlib.suppress(ZeroDivisionError), processing_slot(owner):
        raise ZeroDivisionError
    with processing_slot(owner):
        pass
