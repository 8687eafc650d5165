"""Start PostgreSQL, Redis and an S3 server for one command, and stop them when it has ended.

    python scripts/services.py -- python -m pytest ...

They listen on free ports of 127.0.0.1 and store their data in a temporary folder. The command gets their addresses in the settings
of a deployment: DATABASE_URL, REDIS_URL, AWS_..., TASKS_BACKEND=rq. The exit code is the command's.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import boto3
import psycopg
import redis
from botocore.exceptions import BotoCoreError, ClientError

from gmmsite.deploy.parent import end_with_parent

START_SECONDS = 60
STOP_SECONDS = 10
BUCKET = "gmm"
KEYS = {"AWS_ACCESS_KEY_ID": "services", "AWS_SECRET_ACCESS_KEY": "services", "AWS_S3_REGION_NAME": "us-east-1"}

Server = tuple[dict[str, str], Callable[[], bool], Path]
"""Settings that lead to a started server, a function that tells whether it is ready, and its log file."""


class SetupError(Exception):
    """Raised when a server cannot be started; the message says why."""


def main() -> None:
    if sys.argv[1:2] != ["--"] or len(sys.argv) < 3:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    try:
        with services() as environment:
            sys.exit(run(sys.argv[2:], os.environ | environment))
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


@contextlib.contextmanager
def services() -> Iterator[dict[str, str]]:
    """Start the three servers, and give the settings for them."""
    with tempfile.TemporaryDirectory(prefix="gmm-services-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user
        parts = [start_server(folder, running) for start_server in (postgresql, redis_server, s3_server)]
        environment = {"TASKS_BACKEND": "rq"}
        for settings, is_ready, log in parts:
            wait_until(is_ready, log)
            environment |= settings
        yield environment


def postgresql(folder: Path, running: contextlib.ExitStack) -> Server:
    """Start PostgreSQL without durable writes. It refuses to run as root, so root runs it as the user `postgres`."""
    port, data, log = free_port(), folder / "postgresql", folder / "postgresql.log"
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    data.mkdir(mode=0o700)
    if account:
        os.chown(data, account.pw_uid, account.pw_gid)
    prepare = ["initdb", "--username=gmm", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        [program(prepare[0]), *prepare[1:], f"--pgdata={data}"], check=False, capture_output=True, text=True, cwd=folder,
        **identity(account),
    )  # fmt: skip
    if done.returncode:
        raise SetupError(f"PostgreSQL could not be prepared.\n{done.stderr}")
    options = {
        "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200",
        "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    }  # fmt: skip
    command = [program("postgres"), "-D", str(data), "-p", str(port)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    start(command, log, running, stop=signal.SIGINT, account=account)
    url = f"postgres://gmm@127.0.0.1:{port}/postgres"

    def is_ready() -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
            return True
        return False

    return {"DATABASE_URL": url}, is_ready, log


def redis_server(folder: Path, running: contextlib.ExitStack) -> Server:
    """Start Redis without persistence."""
    port, log = free_port(), folder / "redis.log"
    command = [program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    start([*command, "--save", "", "--appendonly", "no"], log, running)
    url = f"redis://127.0.0.1:{port}/0"

    def is_ready() -> bool:
        with contextlib.suppress(redis.exceptions.RedisError):
            return bool(redis.Redis.from_url(url).ping())
        return False

    return {"REDIS_URL": url}, is_ready, log


def s3_server(folder: Path, running: contextlib.ExitStack) -> Server:
    """Start moto's server, which keeps objects in memory, and make the bucket."""
    port, log = free_port(), folder / "s3.log"
    start([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], log, running)
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        client = boto3.client(
            "s3", endpoint_url=url, region_name=KEYS["AWS_S3_REGION_NAME"],
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        with contextlib.suppress(BotoCoreError, ClientError):
            client.create_bucket(Bucket=BUCKET)
            return True
        return False

    return {"AWS_S3_ENDPOINT_URL": url, "AWS_STORAGE_BUCKET_NAME": BUCKET, **KEYS}, is_ready, log


def start(
    command: list[str],
    log: Path,
    running: contextlib.ExitStack,
    *,
    stop: signal.Signals = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
) -> None:
    """Start a server that is stopped when `running` is closed, or when this process ends. Ctrl-C reaches the command only."""
    own = os.getpid()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent,
            start_new_session=True, preexec_fn=lambda: end_with_parent(stop, own), **identity(account),  # noqa: PLW1509 - one thread
        )  # fmt: skip
    running.callback(end, process, stop)


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run the command until it ends. On SIGTERM or Ctrl-C, send it SIGINT and wait for it."""
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - the command of this script
        try:
            return process.wait()
        except (KeyboardInterrupt, SystemExit):
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


def wait_until(is_ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if time.monotonic() > deadline:
            raise SetupError(f"{log.stem} does not answer.\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def program(name: str) -> str:
    """Return the path of a program; on Debian, those of PostgreSQL are not in PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which(name) or next((str(folder / name) for folder in reversed(folders)), None)
    if found is None:
        raise SetupError(f"There is no {name}. On Debian and Ubuntu: apt install postgresql redis-server")
    return found


def identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return the arguments of `subprocess` that set the user of the process."""
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
