"""A disk that really fills up."""

import os
import resource
import subprocess


class SmallDisk:
    """A disk of 5 MB at `folder`: a tmpfs if this process can mount one, otherwise a limit on the size of files."""

    bytes = 5_001_216  # whole pages

    def __init__(self, folder):
        self._folder = folder
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.is_mounted = False

    def __enter__(self):
        if os.geteuid() == 0:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={self.bytes}", "none", str(self._folder)]
            self.is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.bytes, self._limits[1]))
        return self

    def __exit__(self, *_):
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
