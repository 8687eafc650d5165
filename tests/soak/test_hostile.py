"""Files that are broken by chance or on purpose, uploaded as people upload them: each is taken or refused in words, within 3 s of CPU.

`GMM_HOSTILE_IMAGES` names a folder of further files, `GMM_MUTATIONS` how many of each format are made here.
"""

import collections
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import factories, mutations
from tests.processes import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]

FOLDER = os.environ.get("GMM_HOSTILE_IMAGES")
MUTATIONS = int(os.environ.get("GMM_MUTATIONS", "2000"))
CPU_SECONDS = 3.0
REFUSALS = {
    "empty", "too_large", "unsupported_format", "extension_mismatch", "too_many_pixels", "too_many_bands", "corrupt", "decode_timeout",
    "out_of_memory",
}  # fmt: skip
MEASURE = """
import pathlib, sys, time
from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, inspect
began = time.process_time()
try:
    inspect(pathlib.Path(sys.argv[1]), name="", limits=Limits(bytes=50_000_000, pixels=50_000_000, decoded_bytes=400_000_000))
except Refusal:
    pass
print(time.process_time() - began)
"""


@pytest.fixture
def upload(client, settings, tmp_path):
    """Upload a file through the API; gives the code of what became of it, and puts what should not be into `faults`."""
    settings.GMM_RATE_UPLOADS = settings.GMM_QUOTA_IMAGES = 10**9
    client.force_login(factories.make_user("attacker"))
    client.raise_request_exception = False  # a status of 500 is counted like any other

    def send(name: str, data: bytes, faults: list[str]) -> str:
        began = time.monotonic()
        answer = client.post("/api/v1/images", {"image": SimpleUploadedFile("picture", data)})
        seconds = time.monotonic() - began
        code = "taken" if answer.status_code < 300 else answer.json().get("code", "?")
        if answer.status_code >= 500 or code not in REFUSALS | {"taken"}:
            faults.append(f"{name}: {answer.status_code} {code}")
        if seconds > CPU_SECONDS:  # of the clock: only then does it pay to measure what it took by itself
            (tmp_path / "slow").write_bytes(data)
            faults.extend(
                f"{name}: {spent:.1f} s of CPU" for spent in [cpu_seconds(tmp_path / "slow")] if spent > CPU_SECONDS
            )
        return code

    return send


def cpu_seconds(path: Path) -> float:
    """Return what the inspection of a file takes, in a process of its own."""
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return float(done.stdout) if done.returncode == 0 else 0.0  # one that dies is refused, which is looked at above


@pytest.mark.parametrize("image_format", mutations.seeds())
def test_mutations_are_taken_or_refused(upload, image_format):
    codes, faults = collections.Counter(), []
    for number in range(MUTATIONS):
        how, data = mutations.mutated(image_format, number)
        codes[upload(f"{image_format} {number} ({how})", data, faults)] += 1
    print(f"\n{image_format}: {MUTATIONS} mutations: {dict(codes.most_common())}")  # noqa: T201 - the record of a long run
    assert faults == []


@pytest.mark.parametrize("image_format", mutations.seeds())
def test_what_is_mutated_is_taken_before(upload, image_format):
    faults = []
    for data in mutations.seeds()[image_format]:
        assert upload(image_format, data, faults) == "taken"
    assert faults == []


def test_hostile_files_are_taken_or_refused(upload, tmp_path):
    """Those of the folder; without one, some that are cut off here."""
    codes, faults, files = collections.Counter(), [], []
    if FOLDER is None:
        cut = [
            (f"{kind} {at}", seed[: len(seed) * 7 // 8])
            for kind, all_of in mutations.seeds().items()
            for at, seed in enumerate(all_of)
        ]
    else:
        files = sorted(path for path in Path(FOLDER).rglob("*") if path.is_file())
        cut = [(str(path.relative_to(FOLDER)), path.read_bytes()) for path in files]
    assert cut
    for name, data in cut:
        codes[upload(name, data, faults)] += 1
    print(f"\n{len(cut)} hostile files: {dict(codes.most_common())}")  # noqa: T201 - the record of a long run
    assert faults == []
