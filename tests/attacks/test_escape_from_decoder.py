"""Code that has taken over a decoder tries to reach what the site's processes may: as root, and as another user."""

import os
import socket
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import pytest

from segmentation.engine import decoder
from segmentation.engine.decoder import confinement
from segmentation.engine.decoder.connection import Connection
from segmentation.engine.decoder.memory import open_memory
from tests.attacks import probes
from tests.processes import ROOT, eventually, is_running

NOBODY = 65534
USERS = [None, NOBODY] if os.getuid() == 0 else [None]


@pytest.fixture(scope="module", params=USERS, ids=lambda user: "as the site" if user is None else "as nobody")
def user(request):
    return request.param


@pytest.fixture(scope="module")
def connection(user):
    connection = Connection(f"from tests.attacks.probes import main; main({user})")
    yield connection
    connection.close()


@pytest.fixture
def attack(connection):
    """Run a probe in the decoder's child, as any file's decoder runs."""

    def run(probe, name=""):
        limits = {"bytes": 1000, "pixels": 1000, "decoded_bytes": 3000, "heic": True}
        request = {
            "operation": probe.__name__, "name": str(name), "limits": limits, "reading": {}, "memory": 500_000_000, "budget_factor": 1,
            "max_output": 1_000_000,
        }  # fmt: skip
        with open_memory(b"a file") as file:
            answer, _ = connection.ask(request, file, allowance=decoder.DEFAULT_ALLOWANCE, max_output=1_000_000)
        return answer

    return run


@pytest.fixture
def secret(tmp_path, user):
    """A file that the decoder's user may read."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    path = tmp_path / "secret_key"
    path.write_text("the site's secret key")
    path.chmod(0o600)
    if user is not None:
        os.chown(path, user, user)
    return path


def here(probe, name=""):
    """What the same probe finds in this process, which nothing confines: it must be able to find something."""
    return probe(SimpleNamespace(name=str(name)))


def refused(answer):
    return answer.keys() == {"refused"}


def test_this_machine_can_confine_decoders():
    assert confinement.missing() == []


@pytest.mark.parametrize("probe", [probes.read_file, probes.from_a_thread])
def test_read_the_secret_key(attack, secret, probe):
    assert here(probe, secret) == {"got": "the site's secret key"}
    assert refused(attack(probe, secret))


@pytest.mark.parametrize("probe", [probes.write_file, probes.look_for_file, probes.remove_file])
def test_change_or_find_files(attack, secret, probe):
    assert refused(attack(probe, secret))
    assert secret.read_text() == "the site's secret key"


@pytest.mark.parametrize("folder", ["/", "/etc", "/proc", "/var", str(ROOT)])
def test_list_folders(attack, folder):
    assert refused(attack(probes.list_folder, folder))


def test_open_the_database(attack, tmp_path, secret, user):
    path = tmp_path / "db.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE users (name)")
    if user is not None:
        os.chown(path, user, user)
    assert here(probes.open_database, path) == {"got": [("users",)]}
    assert refused(attack(probes.open_database, path))


def test_connect_to_a_server(attack):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert here(probes.connect_tcp, port).keys() == {"got"}
        assert refused(attack(probes.connect_tcp, port))


@pytest.mark.parametrize("is_abstract", [False, True], ids=["path", "abstract"])
def test_connect_to_a_unix_socket(attack, secret, is_abstract):
    name = f"@gmm-{os.getpid()}" if is_abstract else str(secret.with_name("socket"))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(name.replace("@", "\0"))
        if not is_abstract:
            secret.with_name("socket").chmod(0o777)
        listening.listen()
        assert here(probes.connect_unix, name) == {"got": "connected"}
        assert refused(attack(probes.connect_unix, name))


@pytest.mark.parametrize(
    "probe", [probes.run_program, probes.replace_itself, probes.fork, probes.clone, probes.load_library, probes.listen]
)
def test_start_a_process_load_code_or_listen(attack, probe):
    assert refused(attack(probe))


def test_see_the_environment(attack, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "the site's secret key")
    kept, of_process = attack(probes.environment)["got"]
    assert set(kept) <= {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH"}
    assert refused(of_process)


@pytest.mark.parametrize(
    "probe", [probes.kill, probes.trace, probes.read_memory, probes.environment_of], ids=lambda probe: probe.__name__
)
def test_reach_another_process(attack, probe, user):
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=user) as other:
        assert refused(attack(probe, other.pid))
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("probe", [probes.kill_server, probes.kill_group, probes.limit_server])
def test_reach_the_decoder_process(attack, connection, probe):
    attack(probes.descriptors)
    before = connection._pid
    assert refused(attack(probe))
    assert is_running(before)
    assert connection._pid == before


def test_lift_its_limits(attack):
    assert all(refused(answer) for answer in attack(probes.lift_limits)["got"])


def test_take_the_memory_of_the_machine(attack):
    assert refused(attack(probes.more_memory))
    assert all(refused(answer) for answer in attack(probes.fill_memory)["got"])


def test_become_root_again(attack):
    assert all(refused(answer) for answer in attack(probes.credentials)["got"])


def test_use_what_others_have_open(attack):
    nothing, its_own = 3, 2  # the standard ones; its file and its memory
    assert attack(probes.descriptors)["got"] == [nothing + its_own, 1]


def test_outlive_the_site():
    """The decoder process ends with whoever has started it, also when that was killed."""
    program = (
        "from segmentation.engine.decoder import client\n"
        "client.ensure_started()\n"
        "print(client._connection._pid, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as site:
        pid = int(site.stdout.readline())
        assert is_running(pid)
        site.kill()
        eventually(lambda: not is_running(pid))
