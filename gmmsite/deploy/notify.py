"""Notify systemd that the site is ready (`Type=notify`)."""

import os
import socket


def ready() -> None:
    """Send the notification; without systemd, do nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
        messenger.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        messenger.sendall(b"READY=1")
