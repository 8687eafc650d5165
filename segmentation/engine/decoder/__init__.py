"""Decoding of untrusted picture and mask files in a separate process that can open no files and no sockets.

`connection` starts the decoder process (`server`), which forks a child for each file. The child has limits of processor time
(`budget`) and memory, drops its privileges (`confinement`), and answers with JSON and shared memory (`answers`, `memory`), which
the client validates. All other code decodes files through this package.
"""

from segmentation.engine.decoder.client import (
    DEFAULT_ALLOWANCE,
    decode,
    ensure_started,
    inspect,
    inspect_mask,
    read_mask,
    start,
)

__all__ = ["DEFAULT_ALLOWANCE", "decode", "ensure_started", "inspect", "inspect_mask", "read_mask", "start"]
