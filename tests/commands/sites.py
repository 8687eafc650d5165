"""A second site in another process: its own database, empty or migrated, and its own media folder."""

import json
import os
import subprocess
import sys

from tests.processes import ROOT

_OF_SERVICES = {"AWS_STORAGE_BUCKET_NAME", "REDIS_URL", "TASKS_BACKEND"}


class Site:
    """`manage.py` on SQLite and a folder of its own, whatever this test runs on."""

    def __init__(self, folder):
        self.folder = folder
        self.media = folder / "media"
        self.media.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name not in _OF_SERVICES}
        self.environment = inherited | {
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "MEDIA_ROOT": str(self.media),
            "PYTHONPATH": str(ROOT),
        }

    def manage(self, *arguments, check=True, given=None):
        """Run a command; returns the finished process, whose output is text."""
        done = subprocess.run(
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=ROOT, env=self.environment, input=given, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done

    def state(self):
        """Return the state of that site."""
        given = "import json; from tests.commands import sites; print(json.dumps(sites.state()))"
        return json.loads(self.manage("shell", "--no-imports", given=given).stdout)


def state():
    """Return all rows that a backup holds as sorted JSON, and the names of all permissions with their holders."""
    from segmentation.backup import layout  # noqa: PLC0415 - in both processes, once Django is set up
    from segmentation.models import User  # noqa: PLC0415 - the same

    rights = User.objects.values_list(
        "username", "user_permissions__codename", "user_permissions__content_type__model",
        "groups__name", "groups__permissions__codename",
    )  # fmt: skip
    rows = {layout.label(model): _rows(model) for model in layout.tables()}
    return rows | {"rights": sorted([list(row) for row in rights if row[1] or row[3]], key=str)}


def _rows(model):
    from django.core.serializers.json import DjangoJSONEncoder  # noqa: PLC0415 - the same

    # Moments to the microsecond, which Django's encoder would cut.
    names = [field.attname for field in model._meta.concrete_fields]
    rows = [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in model._base_manager.values(*names)
    ]
    return sorted(json.dumps(row, cls=DjangoJSONEncoder, sort_keys=True) for row in rows)
