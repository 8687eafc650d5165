"""A run may be deleted while an answer about it is being made. Whatever query it goes before, the site answers without a fault."""

import pytest
from django.db import connection

from segmentation.models import Job
from segmentation.models.jobs import State
from tests.clients import Browser

READ = [
    *("/", "/history/", "/history/?state=finished", "/account/", "/images/{image}/", "/images/{image}/?like={run}"),
    *(
        "/runs/{run}/",
        "/runs/{run}/?count=regions",
        "/runs/{run}/delete/",
        "/runs/{run}/run.json",
        "/runs/{run}/labels.png",
    ),
    *("/runs/{run}/binary.png", "/runs/{run}/uncertainty.png"),
    *(
        "/api/v1/runs/{run}",
        "/api/v1/runs/{run}/at?x=0&y=0",
        "/api/v1/runs/{run}/regions",
        "/api/v1/runs/{run}/overlaps",
    ),
    *("/api/v1/runs/{run}/fit", "/admin/segmentation/run/", "/admin/segmentation/run/{run}/change/"),
    *("/admin/segmentation/image/{image}/change/", "/admin/segmentation/image/"),
]
CHANGED = [
    (
        State.SUCCEEDED,
        "patch",
        "/api/v1/runs/{run}/legend",
        {"revision": 0, "clusters": [{"index": 0, "foreground": True}]},
    ),
    (State.SUCCEEDED, "patch", "/api/v1/runs/{run}/legend", {"revision": 0, "undo": True, "clusters": []}),
    (State.SUCCEEDED, "delete", "/api/v1/runs/{run}", ""),
    (State.SUCCEEDED, "post", "/runs/{run}/delete/", ""),
    (State.SUCCEEDED, "post", "/admin/segmentation/run/{run}/delete/", ""),
    (State.QUEUED, "post", "/api/v1/runs/{run}/cancel", ""),
    (State.QUEUED, "post", "/runs/{run}/cancel/", ""),
    (State.FAILED, "post", "/api/v1/runs/{run}/retry", ""),
    (State.FAILED, "post", "/runs/{run}/retry/", ""),
]


class DeletedBefore:
    """Deletes a run before the n-th query; `queries` counts them.

    Nobody else can do so once a transaction has written, since that has locked the row or the whole database.
    """

    def __init__(self, run, n):
        self.run, self.n, self.queries, self.holds = run, n, 0, False

    def __call__(self, execute, sql, params, many, context):
        self.queries += 1
        self.holds = connection.in_atomic_block and (self.holds or not sql.startswith("SELECT"))
        if self.queries == self.n and not self.holds:
            Job.objects.filter(pk=self.run.pk).delete()
        return execute(sql, params, many, context)


@pytest.fixture
def statuses(copy_of, finished_run, owner, admin_user):
    """Return the statuses of a request: one for each query, before which the run was deleted."""
    owners, staff = Browser(owner), Browser(admin_user)

    def answers(method, address, body="", state=State.SUCCEEDED):
        browser = staff if address.startswith("/admin/") else owners
        accept = {} if address.startswith("/api/") else {"Accept": "text/html"}
        found = []
        while True:
            run = copy_of(finished_run)
            finished = None if state == State.QUEUED else run.job.finished
            Job.objects.filter(pk=run.pk).update(state=state, finished=finished)
            deletion = DeletedBefore(run, len(found) + 1)
            with connection.execute_wrapper(deletion):
                answer = browser.send(method.upper(), address.format(run=run.pk, image=run.image_id), body, **accept)
                answer.close()
            Job.objects.filter(pk=run.pk).delete()
            if deletion.queries < deletion.n:
                return found
            found.append(answer.status_code)

    return answers


@pytest.mark.django_db(transaction=True)
def test_reading_is_no_fault(statuses):
    found = {address: statuses("get", address) for address in READ}
    assert all(len(each) > 2 for each in found.values())
    assert {address: each for address, each in found.items() if max(each) >= 500} == {}


@pytest.mark.django_db(transaction=True)
def test_changing_is_no_fault(statuses):
    found = {
        (method, address): statuses(method, address, body, state=state) for state, method, address, body in CHANGED
    }
    assert all(len(each) > 2 for each in found.values())
    assert {request: each for request, each in found.items() if max(each) >= 500} == {}
