"""`manage.py prepare` makes a site ready to start: tables, static files, the folder for pictures, a first administrator."""

import fcntl
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from segmentation import files
from segmentation.models import User

NAME = "admin"
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without characters that are easily confused: 0 O o, 1 l I
LENGTH = 16


class Command(BaseCommand):
    help = "Migrates the database, collects the static files, makes the folder for pictures, and an administrator when there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-static", action="store_true", help="the static files are collected already")

    def handle(self, *_args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if not settings.DEBUG and not options["no_static"]:
            collect_static_files()
        keep_from_others()
        files.incoming_folder()  # creates it, and the folder for all pictures around it
        password = create_first_administrator()
        if password:
            self.stdout.write(
                "\nThe first start made an administrator. This is the only time that the password is shown:\n\n"
                f"    name      {NAME}\n    password  {password}\n    address   {settings.SITE_URL}/admin/\n\n"
            )


def keep_from_others() -> None:
    """Remove the permissions that other users of the machine have on database and pictures of an earlier release."""
    database = settings.DATABASES["default"]
    paths = [settings.MEDIA_ROOT]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        paths += [Path(f"{database['NAME']}{suffix}") for suffix in ("", "-wal", "-shm")]
    for path in paths:
        if path.exists() and path.stat().st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~settings.UMASK)


def collect_static_files() -> None:
    """Run `collectstatic` under a file lock, because two processes at once would delete each other's files."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.STATIC_ROOT.chmod(0o755)
    folder = os.open(settings.STATIC_ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        call_command("collectstatic", interactive=False, verbosity=0)
    finally:
        os.close(folder)  # releases the lock


def create_first_administrator() -> str | None:
    """Create a superuser if the site has none, and return its random password; None if it has one.

    Of two processes at the same time only one creates it, because the name is unique.

    Raises
    ------
    CommandError
        When there is no superuser, and an ordinary account has the name.
    """
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    try:
        with transaction.atomic():
            User.objects.create_superuser(NAME, password=password)
    except IntegrityError:
        if User.objects.filter(is_superuser=True).exists():
            return None
        raise CommandError(
            f"The site has no administrator, and {NAME!r} is an ordinary account. "
            "Make an administrator with: python manage.py createsuperuser"
        ) from None
    return password
