"""The one bell, and the only place that rings it.

The setting `TASKS_BACKEND` chooses who hears it. On one machine nobody needs to: the worker looks at the rows by itself
(`rows`). On many it goes through Redis to RQ's workers (`rq`). Either way `execution` does the work, and the rows alone are
the truth: a bell that is lost costs time, one that rings twice costs nothing.
"""

from segmentation.tasks.bell import ring_on_commit, run_next, work

__all__ = ["ring_on_commit", "run_next", "work"]
