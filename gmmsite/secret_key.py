"""The secret key of a site without the setting SECRET_KEY: generated on first use, and kept in a private file."""

import os
import secrets
from pathlib import Path


def read_or_create(path: Path) -> str:
    """Return the key in the file `path`, which is created with mode 0600 if it does not exist.

    Two processes that start at the same time get the same key: each writes a temporary file and links it to `path`, which only the
    first one succeeds in; the second reads the key of the first.
    """
    if not path.exists():
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # the other process was first; its key is used
        finally:
            temporary.unlink()
    return path.read_text(encoding="ascii").strip()
