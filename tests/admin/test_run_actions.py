import pytest

from segmentation import files
from segmentation.models import Image, Job, Run
from segmentation.models.jobs import State
from tests.admin.conftest import make_runs
from tests.admin.test_run_list import LIST, page

pytestmark = pytest.mark.django_db(transaction=True)


def act(browser, action, *runs, **more):
    """Apply an action to some rows, and return the following page."""
    data = {"action": action, "_selected_action": [str(run.pk) for run in runs], "index": "0", **more}
    return browser.post(LIST, data, follow=True).content.decode()


def states(*runs):
    stored = dict(Job.objects.values_list("pk", "state"))
    return [stored[run.pk] for run in runs]


def test_cancel_does_what_it_can_and_says_why_not_the_rest(admin, image):
    queued, other = make_runs(image, 2)
    running, failed = make_runs(image, state="running")[0], make_runs(image, state="failed")[0]
    text = act(admin, "cancel_selected", queued, running, failed)
    assert "2 runs were cancelled." in text
    assert "1 run was not changed: This run has already ended; there is nothing to cancel." in text
    assert states(queued, running, failed, other) == [State.CANCELLED, State.CANCELLED, State.FAILED, State.QUEUED]


def test_retry_does_what_it_can_and_says_why_not_the_rest(admin, image, settings):
    failed, cancelled = make_runs(image, state="failed")[0], make_runs(image, state="cancelled")[0]
    running = make_runs(image, state="running")[0]
    text = act(admin, "retry_selected", failed, cancelled, running)
    assert "2 runs were queued again." in text
    assert "1 run was not changed: Only a run that failed or was cancelled can be tried again." in text
    assert states(failed, cancelled, running) == [State.QUEUED, State.QUEUED, State.RUNNING]


def test_retry_keeps_to_the_owners_quota(admin, image, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 1
    runs = make_runs(image, 3, state="failed")
    text = act(admin, "retry_selected", *runs)
    assert "1 run was queued again." in text
    assert "2 runs were not changed: You have reached the limit of waiting and active runs (1)." in text
    assert sorted(states(*runs)) == [State.FAILED, State.FAILED, State.QUEUED]


def test_who_may_not_change_runs_is_not_offered_to_and_cannot(staff_with, image):
    run = make_runs(image)[0]
    viewer = staff_with("view_run", "view_image")
    text = page(viewer)
    assert "cancel_selected" not in text
    assert "delete_selected" not in text
    act(viewer, "cancel_selected", run)
    act(viewer, "delete_selected", run, post="yes")
    assert states(run) == [State.QUEUED]


def test_deleting_runs_asks_first_and_then_takes_their_files(admin, finished_run, media):
    other = make_runs(finished_run.image, state="failed")[0]
    asked = act(admin, "delete_selected", finished_run, other)
    assert "Delete 2 runs?" in asked
    assert "Runs: 2" in asked
    assert Run.objects.count() == 2
    act(admin, "delete_selected", finished_run, other, post="yes")
    assert not Run.objects.exists()
    assert not Job.objects.exists()
    assert media.keys("runs") == []
    assert files.exists(files.image_key(finished_run.image_id, "original"))


def test_deleting_one_run_from_its_page(admin, finished_run, media):
    address = f"/admin/segmentation/run/{finished_run.pk}/delete/"
    assert "Delete phantom.png, 3?" in admin.get(address).content.decode()
    assert admin.post(address, {"post": "yes"}).headers["Location"] == LIST
    assert not Run.objects.exists()
    assert media.keys("runs") == []
    assert Image.objects.count() == 1


@pytest.mark.parametrize("count", [1, 3])
def test_the_question_costs_a_constant_number_of_queries(admin, image, count, django_assert_num_queries):
    runs = make_runs(image, count)
    with django_assert_num_queries(7):
        assert "Delete" in act(admin, "delete_selected", *runs)
