"""Reads foreign pictures and masks in a process of its own, which has nothing but open files: the one place that decodes.

`connection` starts a bare process (`server`) that forks a child for each file. The child is limited (`budget`), confined
(`confinement`) and answers with JSON and open memory (`answers`, `memory`), of which nothing is believed.
"""

from segmentation.engine.decoder.client import USUAL, decode, inspect, inspect_mask, read_mask, start, warm

__all__ = ["USUAL", "decode", "inspect", "inspect_mask", "read_mask", "start", "warm"]
