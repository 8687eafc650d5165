"""Measure the time from the creation of a run to its start and its end, on an idle worker.

    .venv/bin/python benchmarks/latency.py

A real `manage.py worker` runs with a database and a media folder of its own. Times are those of the job's row, by the clock of
the database: queued, claimed and finished. The last column says which stages take the time.
"""

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PIL.Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TRIES = 20
PICTURES = {"0.27 megapixels": (594, 446), "1 megapixel": (1154, 866), "12 megapixels": (4000, 3000)}
APART_SECONDS = 0.137  # no multiple of the polling interval, so that runs are created at any time within it


def say(line: str) -> None:
    """Print a line without buffering."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure with a database and a folder of its own, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "gmmsite.settings",
            "DATABASE_URL": f"sqlite:///{folder}/latency.sqlite3",
            "MEDIA_ROOT": f"{folder}/media",
            "LOG_LEVEL": "WARNING",
        }
        import django  # noqa: PLC0415 - after the settings

        django.setup()
        measure_all()


def measure_all() -> None:
    """Start a worker, and print a row for each picture."""
    from django.core.management import call_command  # noqa: PLC0415 - after the settings

    call_command("migrate", verbosity=0)
    with subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT) as worker:
        try:
            _wait_until_ready(worker)
            say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            say(f"{'milliseconds, median (worst tenth)':36} {'to the start':>16} {'to the end':>16}  of which")
            for name, size in PICTURES.items():
                starts, ends, parts = measure(size)
                stages = ", ".join(f"{part} {value:.0f}" for part, value in parts.items())
                say(f"{name:36} {_both(starts):>16} {_both(ends):>16}  {stages}")
        finally:
            worker.terminate()


def measure(size: tuple[int, int]) -> tuple[list[float], list[float], dict[str, float]]:
    """Return milliseconds from creation to start and to end of each run, and the medians of their stages."""
    from segmentation import services  # noqa: PLC0415 - after the settings
    from segmentation.engine.recipe import Recipe  # noqa: PLC0415 - as above
    from segmentation.models import Job, Result  # noqa: PLC0415 - as above

    image = _upload(size)
    starts, ends, parts = [], [], []
    for _ in range(TRIES):
        run = services.create_run(image=image, recipe=Recipe(n_clusters=5))
        while not (job := Job.objects.get(pk=run.pk)).finished:
            time.sleep(0.02)
        start = ((job.claimed or job.queued) - job.queued).total_seconds() * 1000
        end = (job.finished - job.queued).total_seconds() * 1000
        engine = {part: seconds * 1000 for part, seconds in Result.objects.get(run=run.pk).seconds.items()}
        starts.append(start)
        ends.append(end)
        parts.append({"waiting": start, **engine, "fork, storage and rows": end - start - sum(engine.values())})
        time.sleep(APART_SECONDS)
    return starts, ends, {name: statistics.median(part[name] for part in parts) for name in parts[0]}


def _upload(size: tuple[int, int]) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: PLC0415 - after the settings

    from segmentation import services  # noqa: PLC0415 - as above
    from segmentation.models import User  # noqa: PLC0415 - as above

    buffer = io.BytesIO()
    with PIL.Image.open(ROOT / "segmentation" / "samples" / "china.jpg") as picture:
        picture.resize(size).save(buffer, "JPEG", quality=90)
    owner, _ = User.objects.get_or_create(username="latency")
    return services.upload_image(owner=owner, file=SimpleUploadedFile("u", buffer.getvalue()), name="china.jpg")


def _wait_until_ready(worker: "subprocess.Popen[bytes]") -> None:
    from segmentation.models import Worker  # noqa: PLC0415 - after the settings

    while not Worker.objects.exists():
        if worker.poll() is not None:
            sys.exit("The worker did not start.")
        time.sleep(0.02)


def _both(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f} ({sorted(values)[-max(1, len(values) // 10)]:.0f})"


if __name__ == "__main__":
    main()
