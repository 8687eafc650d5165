"""Posterior probabilities that take their surroundings into account.

Every pixel's log joint densities gain beta times the mean posterior of the pixels around it, and so again and again (the mean
field of a Markov random field: Zhang, 1992). The neighbourhood is a window of 5 x 5 pixels with weights 1 2 3 2 1, near a
Gaussian of 1.2 pixels: beside the classical eight neighbours it forgives noise that is correlated itself.
"""

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float32

REACH = 2
"""Pixels that a sweep looks to each side."""

EXTRAPOLATION = 0.75
"""Of its last change, by which the field is taken to go on: 5 sweeps do what 10 plain ones do."""

_WEIGHT = 3.0**4  # of the window


def mean_field(log_joint: Float32, beta: float, n_sweeps: int) -> Float32:
    """Smooth the posteriors of a part of a picture.

    Parameters
    ----------
    log_joint : ndarray, shape (K, h, w), float32
        Of which only differences between components count; equal for all where a pixel has no data.
    beta : float
        Nats by which unanimous surroundings favour their component.
    n_sweeps : int

    Returns
    -------
    ndarray, shape (K, h, w), float32
        Sums to 1 over the components.
    """
    posterior = softmax(log_joint.copy())
    buffer, before = np.zeros_like(posterior), np.zeros_like(posterior)
    for sweep in range(n_sweeps):
        extrapolation = EXTRAPOLATION if sweep else 0.0
        _window_sums(posterior, buffer)
        np.multiply(posterior, beta * (1 + extrapolation) / _WEIGHT, out=buffer)
        before *= beta * extrapolation / _WEIGHT
        buffer -= before
        buffer += log_joint
        posterior, buffer, before = buffer, before, posterior
        softmax(posterior)
    return posterior


def softmax(logs: Float32) -> Float32:
    """exp(logs) scaled to sum 1 over the first axis; overwrites its argument."""
    logs -= logs.max(axis=0)
    np.exp(logs, out=logs)
    logs /= logs.sum(axis=0)
    return logs


def _window_sums(planes: Float32, buffer: Float32) -> None:
    """Replace planes (K, h, w) by the sums over the window, mirrored at the borders; `buffer` is overwritten."""
    for axis in (1, 2):
        _sum_three(planes, buffer, axis)
        _sum_three(buffer, planes, axis)


def _sum_three(planes: Float32, sums: Float32, axis: int) -> None:
    """Write the sums of every value and its two neighbours along an axis; beyond the border stands the last one again.

    Both are contiguous. In memory a neighbour is always as far away, so that all are added in one run; what this does at the
    borders is put right afterwards.
    """
    step = planes.strides[axis] // planes.itemsize
    flat, total = planes.reshape(-1), sums.reshape(-1)
    np.add(flat[step:], flat[:-step], out=total[step:])
    total[:-step] += flat[step:]
    values, results = planes.swapaxes(0, axis), sums.swapaxes(0, axis)
    results[0] = 2 * values[0] + values[min(1, len(values) - 1)]
    results[-1] = 2 * values[-1] + values[max(-2, -len(values))]
