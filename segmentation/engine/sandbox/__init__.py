"""Runs one call in a child process that has limits and can be killed. Knows no pictures itself.

Two ways to get the child, one protocol for both: `call` waits for a child of a fork server, for processes with threads (web,
command line); `Child.fork` starts one and comes back at once, for the worker, which has one thread and serves several.
"""

from segmentation.engine.sandbox.calls import call, configure, warm
from segmentation.engine.sandbox.child import Child
from segmentation.engine.sandbox.limits import Allowance, end_with_parent
from segmentation.engine.sandbox.protocol import ChildLost, Report

__all__ = ["Allowance", "Child", "ChildLost", "Report", "call", "configure", "end_with_parent", "warm"]
