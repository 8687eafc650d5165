"""Posterior probabilities under a Markov random field, by the mean-field approximation (Zhang, 1992).

In each sweep the log joint densities of a pixel are increased by beta times the mean posterior of its neighbourhood. The
neighbourhood is a window of 5 x 5 pixels with weights 1 2 3 2 1 along each axis, close to a Gaussian of 1.2 pixels. Unlike the
usual eight neighbours it also removes noise that is correlated between neighbouring pixels.
"""

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float32

REACH = 2
"""Radius of the neighbourhood in pixels."""

EXTRAPOLATION = 0.75
"""Share of the last change by which the field is extrapolated before each sweep; 5 sweeps then do what 10 would without."""

_WEIGHT = 3.0**4  # total weight of the window


def mean_field(log_joint: Float32, beta: float, n_sweeps: int) -> Float32:
    """Return the mean-field posteriors of a rectangle of a picture.

    Parameters
    ----------
    log_joint : ndarray, shape (K, h, w), float32
        Log joint densities up to a constant for each pixel; equal for all components where a pixel has no data.
    beta : float
        Strength of the field: nats that a component gains where the neighbourhood belongs to it entirely.
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
    """Return exp(logs) scaled to sum 1 over the first axis; overwrites its argument."""
    logs -= logs.max(axis=0)
    np.exp(logs, out=logs)
    logs /= logs.sum(axis=0)
    return logs


def _window_sums(planes: Float32, buffer: Float32) -> None:
    """Replace planes (K, h, w) by weighted sums over the window, mirrored at the borders; `buffer` is overwritten."""
    for axis in (1, 2):
        _sum_three(planes, buffer, axis)
        _sum_three(buffer, planes, axis)


def _sum_three(planes: Float32, sums: Float32, axis: int) -> None:
    """Write the sum of every value and its two neighbours along an axis to `sums`; the border value is repeated.

    Both arrays are contiguous, so neighbours along an axis have a fixed distance in memory and all are added at once. The
    values at the borders, which are wrong then, are computed again.
    """
    step = planes.strides[axis] // planes.itemsize
    flat, total = planes.reshape(-1), sums.reshape(-1)
    np.add(flat[step:], flat[:-step], out=total[step:])
    total[:-step] += flat[step:]
    values, results = planes.swapaxes(0, axis), sums.swapaxes(0, axis)
    results[0] = 2 * values[0] + values[min(1, len(values) - 1)]
    results[-1] = 2 * values[-1] + values[max(-2, -len(values))]
