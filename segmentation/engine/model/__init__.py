"""A fitted model: a mixture with everything that is needed to apply it to another picture."""

from segmentation.engine.model.fitted import FittedModel

__all__ = ["FittedModel"]
