"""GMM Studio: segment pictures with Gaussian mixture models, for many people, with a private history."""

__version__ = "0.1.0"
