"""`manage.py workerprobe` tells by its exit code whether a worker is alive, for health checks of systemd and containers."""

import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from segmentation.models import Worker


class Command(BaseCommand):
    help = "Exit code 0 when a worker of this host was seen within a lease, 1 when none was or the database fails."
    requires_system_checks = ()  # it is called often, and they load the whole web application

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--any", action="store_true", help="a worker of any host will do")

    def handle(self, *_args: Any, **options: Any) -> None:
        host = socket.gethostname()
        workers = Worker.objects.alive()
        try:
            alive = (workers if options["any"] else workers.filter(host=host)).count()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer. {error}") from error
        if not alive:
            raise CommandError("No worker is alive." if options["any"] else f"No worker is alive on {host}.")
        if options["verbosity"]:
            self.stdout.write(f"Workers alive: {alive}.")
