import pytest
from django.core.management import CommandError, call_command

from segmentation.models import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_of_this_host_is_found_while_it_lives(worker, capsys):
    call_command("workerprobe")
    assert capsys.readouterr().out == "Workers alive: 1.\n"
    worker.stop()
    with pytest.raises(CommandError, match="No worker is alive on"):
        call_command("workerprobe")


def test_a_worker_of_another_host_counts_only_when_any_will_do(worker_row):
    with pytest.raises(CommandError, match="No worker is alive on"):
        call_command("workerprobe")
    call_command("workerprobe", "--any", verbosity=0)


def test_one_that_was_not_seen_for_a_lease_is_no_worker(worker_row):
    Worker.objects.mark_ended(worker_row.pk)
    with pytest.raises(CommandError, match="No worker is alive"):
        call_command("workerprobe", "--any")
