"""The secret key of an installation that was given none: made on first use, kept in a file that only its owner reads."""

import os
import secrets
from pathlib import Path


def read_or_create(path: Path) -> str:
    """Return the key in `path`; make the file (mode 0600) when it does not exist.

    Two processes that start together end up with one key: the file is written whole under another name and linked
    into place, and whoever comes second reads what the first has put there.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other process was first, and its key is as good
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
