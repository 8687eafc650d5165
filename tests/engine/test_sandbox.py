"""Function calls in real child processes, which fail in every way that a decoder or a fit can."""

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from segmentation.engine import sandbox
from segmentation.engine.exceptions import Busy, ChildFailed, Refusal, SegmentationError
from segmentation.engine.sandbox import Allowance, Child, ChildLost
from segmentation.engine.sandbox.protocol import ChildMessages, MessageKind
from tests.processes import ROOT, children_of, eventually, is_running

PLENTY = Allowance(memory=500_000_000, seconds=30)


# --- What the children do ---------------------------------------------------------------------------------------------


def add(one, two, *, and_three=0):
    return one + two + and_three


def refuse():
    raise Refusal("too_many_pixels", "It has %(pixels)s pixels.", pixels=12)


def fail():
    raise ZeroDivisionError("a bug of ours")


def crash():
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(code):
    os._exit(code)


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def take(size):
    """Allocate and use memory, by NumPy and by many small objects of Python."""
    return len(np.ones(size // 8)), [bytes(1000) for _ in range(size // 1000)]


def take_behind(size):
    """Use up the memory in small steps, then multiply matrices, for which OpenBLAS needs a buffer."""
    kept = []
    with contextlib.suppress(MemoryError):
        while len(kept) < 2 * size // 1_000_000:
            kept.append(np.ones(125_000))
    del kept[-2:]
    return float((np.ones((200, 200)) @ np.ones((200, 200))).sum())


def wait_for_ever():
    threading.Event().wait()


def unpicklable():
    return lambda: None


def large(size):
    return bytes(size)


def facts():
    return {
        "modules": set(sys.modules),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "parent": os.getppid(),
        "interrupts": signal.getsignal(signal.SIGINT),
    }


def hold(folder):
    """Create a file that says that the slot is in use, and wait for another file."""
    Path(folder, f"in-{os.getpid()}").touch()
    eventually(lambda: Path(folder, "go").exists())


# --- Both ways to a child ----------------------------------------------------------------------------------------------


def call(function, *args, allowance=PLENTY, **kwargs):
    return sandbox.call(function, *args, allowance=allowance, **kwargs)


def fork(function, *args, allowance=PLENTY, **kwargs):
    child = Child.fork(lambda _report: function(*args, **kwargs), allowance=allowance)
    eventually(child.poll, within=40)
    return child.result()


both_ways = pytest.mark.parametrize("run", [call, fork])


@both_ways
def test_a_result_comes_back(run):
    assert run(add, 1, 2, and_three=3) == 6
    assert len(run(large, 20_000_000)) == 20_000_000


@both_ways
def test_a_domain_error_comes_back_with_its_code_and_sentence(run):
    with pytest.raises(Refusal) as raised:
        run(refuse)
    assert raised.value.code == "too_many_pixels"
    assert str(raised.value) == "It has 12 pixels."


@both_ways
@pytest.mark.parametrize("what", [fail, unpicklable])
def test_a_bug_is_logged_with_its_traceback_and_people_get_a_reference(run, what, caplog):
    with pytest.raises(ChildFailed) as raised:
        run(what)
    assert raised.value.code == "internal_error"
    reference = raised.value.values["reference"]
    assert str(reference) in str(raised.value)
    assert f"Reference {reference}" in caplog.text
    assert "Traceback" in caplog.text
    assert "a bug of ours" not in str(raised.value)


@both_ways
@pytest.mark.parametrize(("what", "args"), [(crash, ()), (leave, (3,)), (leave, (0,))])
def test_a_child_that_ends_without_a_final_message_has_crashed(run, what, args):
    with pytest.raises(ChildFailed) as raised:
        run(what, *args)
    assert raised.value.code == "crashed"


@both_ways
def test_memory_within_the_allowance_is_given_and_beyond_it_refused(run):
    allowance = Allowance(memory=100_000_000, seconds=30)
    assert run(take, 24_000_000, allowance=allowance)[0] == 3_000_000
    with pytest.raises(ChildFailed) as raised:
        run(take, 120_000_000, allowance=allowance)
    assert raised.value.code == "out_of_memory"


@both_ways
def test_matrices_can_be_multiplied_when_memory_is_nearly_used_up(run):
    assert run(take_behind, 60_000_000, allowance=Allowance(memory=60_000_000, seconds=30)) == 200.0**3


@both_ways
def test_the_deadline_ends_a_child(run):
    began = time.monotonic()
    with pytest.raises(ChildFailed) as raised:
        run(wait_for_ever, allowance=Allowance(memory=500_000_000, seconds=0.3))
    assert raised.value.code == "deadline"
    assert 0.3 <= time.monotonic() - began < 3


@both_ways
def test_children_have_one_thread_and_leave_interrupts_to_their_parent(run):
    seen = run(facts)
    assert seen["threads"] == 1 or run is fork  # the process of the tests may have threads of its own
    assert seen["interrupts"] == signal.SIG_IGN


def test_a_forked_child_that_another_process_killed_is_lost():
    with pytest.raises(ChildLost):
        fork(be_killed)


def test_a_called_child_that_another_process_killed_was_out_of_memory():
    with pytest.raises(ChildFailed) as raised:
        call(be_killed)
    assert raised.value.code == "out_of_memory"


# --- The fork server ---------------------------------------------------------------------------------------------------


def test_children_of_the_fork_server_have_imported_the_engine(tmp_path):
    """This holds for any current folder; `multiprocessing` silently ignores modules that it does not find."""
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from segmentation.engine import sandbox\n"
        "sandbox.start_fork_server()\n"
        "from multiprocessing import forkserver\n"
        "import pathlib, re\n"
        "maps = pathlib.Path(f'/proc/{forkserver._forkserver._forkserver_pid}/maps')\n"
        "sandbox.call(abs, -1, allowance=sandbox.Allowance(memory=10**8, seconds=9))\n"
        "loaded = maps.read_text()\n"
        "print('numpy' in loaded, '_imaging' in loaded, 'sklearn' in loaded)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["True", "True", "False"]


def test_the_server_is_started_again_when_it_was_killed():
    server = call(facts)["parent"]
    os.kill(server, signal.SIGKILL)
    eventually(lambda: call(add, 1, 1) == 2)
    assert call(facts)["parent"] != server


def test_a_call_that_waits_too_long_for_a_slot_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr("segmentation.engine.sandbox.calls.BUSY_SECONDS", 0.2)
    sandbox.configure(children=2)
    holders = [threading.Thread(target=call, args=(hold, str(tmp_path))) for _ in range(2)]
    for holder in holders:
        holder.start()
    eventually(lambda: len(list(tmp_path.glob("in-*"))) == 2)
    with pytest.raises(Busy):
        call(add, 1, 2)
    (tmp_path / "go").touch()
    for holder in holders:
        holder.join()
    assert call(add, 1, 2) == 3


def test_many_threads_get_their_own_results(monkeypatch):
    # Nobody is to be sent away here, however busy the machine: the first calls wait for the server to start.
    monkeypatch.setattr("segmentation.engine.sandbox.calls.BUSY_SECONDS", 300.0)
    sandbox.configure(children=3)
    answers, codes = {}, {}

    def ask(number):
        answers[number] = call(add, number, number)
        try:
            call(crash if number % 2 else refuse)
        except SegmentationError as error:
            codes[number] = error.code

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sandbox.configure(children=2)
    assert answers == {number: 2 * number for number in range(12)}
    assert codes == {number: "crashed" if number % 2 else "too_many_pixels" for number in range(12)}


# --- Children of the worker ---------------------------------------------------------------------------------------------


def test_progress_is_known_while_the_child_works(tmp_path):
    def report_and_wait(report):
        report(("fitting", 10))
        report(("fitting", 42))
        eventually((tmp_path / "go").exists)
        return "done"

    child = Child.fork(report_and_wait, allowance=PLENTY)
    assert child.progress is None
    eventually(lambda: child.poll() or child.progress == ("fitting", 42))
    assert not child.poll()
    (tmp_path / "go").touch()
    eventually(child.poll)
    assert child.result() == "done"
    assert child.connection is None


def test_an_incomplete_message_does_not_block_the_parent():
    """A child may be stopped while it sends its final message; its parent has other children to supervise."""
    receiving, sending = Pipe(duplex=False)
    messages = ChildMessages(receiving)
    sending.send((MessageKind.PROGRESS, ("fitting", 10)))
    pickled = pickle.dumps((MessageKind.RESULT, bytes(30_000)))
    message = struct.pack("!i", len(pickled)) + pickled
    for piece in (message[:2], message[2:20_000], message[20_000:]):
        with pytest.raises(ChildLost):
            messages.result(exit_code=-signal.SIGKILL, overdue=False)
        os.write(sending.fileno(), piece)
        messages.receive()
    assert messages.progress == ("fitting", 10)
    assert messages.result(exit_code=0, overdue=False) == bytes(30_000)
    assert not receiving.closed
    sending.close()
    messages.receive()
    assert receiving.closed


def test_a_killed_child_is_gone():
    child = Child.fork(lambda _report: wait_for_ever(), allowance=PLENTY)
    child.kill()
    eventually(child.poll)
    assert not Path(f"/proc/{child.pid}").exists()
    child.kill()  # a second time is no error


def test_a_child_survives_signals_to_its_group(tmp_path):
    def stay(report):
        report("ready")
        eventually((tmp_path / "go").exists)

    child = Child.fork(stay, allowance=PLENTY)
    eventually(lambda: child.poll() or child.progress == "ready")
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(child.pid, number)
    (tmp_path / "go").touch()
    eventually(child.poll)
    assert child.result() is None


def test_children_end_with_their_parent():
    """This holds also when the parent was killed with SIGKILL."""
    program = (
        "import os, threading\n"
        "from segmentation.engine.sandbox import Allowance, Child\n"
        "child = Child.fork(lambda report: threading.Event().wait(), allowance=Allowance(memory=10**8, seconds=60))\n"
        "print(child.pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert children_of(parent.pid) == [child]
        parent.kill()
        eventually(lambda: not is_running(child))
