"""What a fit leaves behind and another picture can use: a mixture with all that makes it applicable."""

from segmentation.engine.model.fitted import FittedModel

__all__ = ["FittedModel"]
