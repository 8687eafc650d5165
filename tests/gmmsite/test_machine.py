"""The memory that a run may take by default: what the machine or its control group has, shared among the runs of a worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gmmsite import machine
from tests.gmmsite.test_settings import read_settings

GB = 10**9


def limited(root, **limits):
    """Lay out control groups as the kernel does; returns their root."""
    for path, limit in limits.items():
        file = root / path.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    return root


def test_a_group_of_version_2_is_limited_by_itself_and_by_those_around_it(tmp_path):
    root = limited(tmp_path, system__gmm__memory_dot_max="max", system__memory_dot_max=2 * GB, memory_dot_max=3 * GB)
    assert list(machine.group_limits("0::/system/gmm\n", root)) == [2 * GB, 3 * GB]


def test_a_container_that_sees_only_its_own_group_is_limited_by_it(tmp_path):
    root = limited(tmp_path, memory_dot_max=GB)
    assert list(machine.group_limits("0::/\n", root)) == [GB]
    assert list(machine.group_limits("0::/kubepods/pod/abc\n", root)) == [GB], "the path is the host's"


def test_a_group_of_version_1_is_limited_too(tmp_path):
    root = limited(tmp_path, memory__docker__memory_dot_limit_in_bytes=GB)
    assert list(machine.group_limits("5:devices:/\n4:memory:/docker\n0::/\n", root)) == [GB]


def test_without_limits_the_memory_is_that_of_the_machine():
    assert list(machine.group_limits("0::/\n", Path("/nowhere"))) == []
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < machine.memory() <= physical


@pytest.mark.parametrize("gigabytes", [4, 16, 64])
@pytest.mark.parametrize("slots", [1, 2, 8])
def test_the_runs_of_all_slots_fit_into_the_machine_together(gigabytes, slots):
    each = machine.run_memory(memory=gigabytes * GB, slots=slots)
    assert each == 500_000_000 or each * (slots + machine.short_slots(slots)) <= 0.75 * gigabytes * GB


def test_on_a_small_machine_a_run_may_still_take_what_a_photograph_needs():
    assert machine.run_memory(memory=4 * GB, slots=2) == GB
    assert machine.run_memory(memory=GB, slots=4) == 500_000_000


def printed(**environment):
    program = "from django.conf import settings; print(settings.GMM_RUN_MEMORY, settings.GMM_WORKER_SLOTS)"
    return [int(number) for number in read_settings(program, SECRET_KEY="k", **environment).stdout.split()]


def test_the_default_follows_the_slots_and_a_setting_overrides_it():
    for slots in (1, 2):
        given = printed(GMM_WORKER_SLOTS=str(slots))
        assert given == [machine.run_memory(memory=machine.memory(), slots=slots), slots]
    assert printed(GMM_RUN_MEMORY="700000000")[0] == 700_000_000
    assert printed()[1] == len(os.sched_getaffinity(0))


def test_the_slots_are_the_cores_that_the_process_may_use():
    core = min(os.sched_getaffinity(0))
    program = f"import os; os.sched_setaffinity(0, [{core}]); from gmmsite import machine; print(machine.cores())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
