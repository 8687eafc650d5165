"""A process that ends with its parent, even when the parent had no time to say goodbye."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(number: signal.Signals, parent: int) -> None:
    """Have the kernel send this process a signal when its parent dies (Linux; elsewhere nothing happens).

    Parameters
    ----------
    number
        The signal to get.
    parent
        The parent's process id: if it is gone already, the signal comes at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
