"""Run a function in a child process that has a memory limit and a time limit, and that can be killed.

There are two ways to start the child, with one protocol. `call` uses a fork server and waits for the result, for processes with
threads (web, command line). `Child.fork` forks the calling process and returns at once, for the worker, which has one thread
and supervises several children.
"""

from segmentation.engine.sandbox.calls import call, configure, start_fork_server
from segmentation.engine.sandbox.child import Child
from segmentation.engine.sandbox.limits import Allowance, end_with_parent
from segmentation.engine.sandbox.protocol import ChildLost, Report

__all__ = ["Allowance", "Child", "ChildLost", "Report", "call", "configure", "end_with_parent", "start_fork_server"]
