"""Make a process end with its parent, even if the parent is killed."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(number: signal.Signals, parent: int) -> None:
    """Make the kernel send this process a signal when its parent ends. It does nothing on other systems than Linux.

    Parameters
    ----------
    number
        The signal to send.
    parent
        The process id of the parent. If it has ended already, the signal is sent at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
