"""Matrix products in blocks, of arrays that are stored in single precision.

Products are summed in double precision, so that the last bits, in which processors differ, vanish when the sums are rounded.
"""

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Float, Float32, Real

MAX_PRODUCT = 2**18
"""Multiplications up to which OpenBLAS does not split a product between threads."""


def products(parameters: NDArray[np.floating], values: NDArray[np.floating]) -> Float32:
    """Return parameters (K, F) @ values (F, n), shape (K, n), in blocks of columns that OpenBLAS computes in one thread."""
    parameters = parameters.astype(np.float64, copy=False)
    K, n = len(parameters), values.shape[1]
    length = _block_length(K * len(values))
    n_full = n - n % length
    result = np.empty((K, n), np.float32)
    if n_full:
        blocks = _as_blocks(values[:, :n_full], length).astype(np.float64, copy=False)
        _as_blocks(result[:, :n_full], length)[:] = parameters @ blocks
    result[:, n_full:] = parameters @ values[:, n_full:].astype(np.float64, copy=False)
    return result


def moments(responsibilities: NDArray[np.floating], values: NDArray[np.floating]) -> Float:
    """Return the sums (K, F) of values (F, n) weighted with responsibilities (K, n), block by block as in `products`."""
    K, n = responsibilities.shape
    length = _block_length(K * len(values))
    n_full = n - n % length
    sums: Float = responsibilities[:, n_full:].astype(np.float64) @ values[:, n_full:].T.astype(np.float64, copy=False)
    if n_full:
        weights, blocks = (
            _as_blocks(each[:, :n_full], length).astype(np.float64, copy=False) for each in (responsibilities, values)
        )
        sums += (weights @ blocks.transpose(0, 2, 1)).sum(axis=0)
    return sums


def _block_length(multiplications: int) -> int:
    """Return the largest power of two of columns, each of so many multiplications, that OpenBLAS computes in one thread."""
    return 1 << (MAX_PRODUCT // multiplications).bit_length() - 1


def _as_blocks(rows: NDArray[Real], length: int) -> NDArray[Real]:
    """Return a view of rows (R, n) as blocks of columns (n / length, R, length)."""
    return rows.reshape(len(rows), -1, length).transpose(1, 0, 2)
