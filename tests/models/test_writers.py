"""Many processes that write at once: the database is configured for it, and nothing is lost."""

import os

import pytest
from django.db import connections, transaction

from segmentation.models import Job, Run

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, TIMES = 8, 25


def write(run_id):
    """Read, change, write back; and add a row of one's own. What the web and the workers do all day."""
    for _ in range(TIMES):
        with transaction.atomic():
            run = Run.objects.select_for_update().get(pk=run_id)
            run.revision += 1
            run.save(update_fields=["revision"])
            Job.objects.create(owner=run.image.owner)


def test_eight_writers_lose_nothing(queued_run):
    connections.close_all()
    writers = []
    for _ in range(WRITERS):
        pid = os.fork()
        if pid == 0:
            exit_code = 1
            try:
                write(queued_run.pk)
                exit_code = 0
            finally:
                os._exit(exit_code)
        writers.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in writers] == [0] * WRITERS
    assert Run.objects.get(pk=queued_run.pk).revision == WRITERS * TIMES
    assert Job.objects.count() == 1 + WRITERS * TIMES
