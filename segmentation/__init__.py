"""GMM Studio: segment pictures with Gaussian mixture models, for many people, with a private history."""
