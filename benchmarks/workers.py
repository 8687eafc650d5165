"""Measure how many runs per second one, two and four workers finish, with PostgreSQL, RQ and S3.

    .venv/bin/python scripts/services.py -- .venv/bin/python benchmarks/workers.py

Each worker is a process with one slot and a working folder of its own. All share the cores of this machine with PostgreSQL,
Redis, and an S3 server written in Python. Runs are created when all workers are ready.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 40


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gmmsite.settings")
    sys.path.insert(0, str(ROOT))
    import django  # noqa: PLC0415 - after the environment

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    from segmentation import services  # noqa: PLC0415 - as above
    from segmentation.models import User  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("benchmark")
    image = services.upload_sample(owner=owner, name="china")
    print(f"{image.name}, {image.megapixels:.2f} megapixels, {RUNS} runs, {os.cpu_count()} cores")  # noqa: T201 - a command line
    for number in (1, 2, 4):
        print(f"{number} workers: {measure(image, number):.2f} runs a second", flush=True)  # noqa: T201 - as above


def measure(image: "object", number: int) -> float:
    """Return runs per second, from the first claim to the last finish."""
    from django.db.models import Max, Min  # noqa: PLC0415 - after Django is set up

    from segmentation import services  # noqa: PLC0415 - as above
    from segmentation.engine.recipe import Recipe  # noqa: PLC0415 - as above
    from segmentation.models import Job, Worker  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder:
        workers = [
            subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, str(ROOT / "manage.py"), "worker"],
                env=os.environ | {"MEDIA_ROOT": f"{folder}/{index}", "GMM_WORKER_SLOTS": "1", "LOG_LEVEL": "WARNING"},
                stdout=subprocess.DEVNULL,
            )
            for index in range(number)
        ]
        while Worker.objects.alive().count() < number:
            time.sleep(0.1)
        runs = [services.create_run(image=image, recipe=Recipe(n_clusters=5, seed=seed)) for seed in range(RUNS)]  # type: ignore[arg-type] # an image
        jobs = Job.objects.filter(pk__in=[run.pk for run in runs])
        while jobs.active().exists():
            time.sleep(0.1)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
    span = jobs.aggregate(first=Min("claimed"), last=Max("finished"))
    return RUNS / float((span["last"] - span["first"]).total_seconds())


if __name__ == "__main__":
    main()
