"""Values rescaled by what stands beside them, or by what a network learned of them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.conv.arguments import check_real
from convcli.errors import UnfitError


def local_response_norm(
    x: ArrayLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> NDArray[Any]:
    """Divide by the energy of neighbouring channels, as `torch.nn.functional.local_response_norm`.

        y_c = x_c · (k + α/size · Σ_{c'} x_{c'}²)^(−β)    c' from c − ⌊size/2⌋, `size` channels

    x is (n, c, …), floats. TensorFlow takes α as it is; PyTorch, ONNX and this divide it by the
    size of the window (Krizhevsky, Sutskever & Hinton 2012 sum without dividing).

    >>> local_response_norm([[[3.0], [4.0]]], size=1, alpha=1, beta=0.5, k=0).ravel()
    array([1., 1.])
    """
    x = _floats(x, "local_response_norm")
    if x.ndim < 3:
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; local_response_norm takes (n, c, …)")
    if size < 1:
        raise UnfitError(f"size={size} must be at least 1")
    squares = np.square(x, dtype=np.promote_types(x.dtype, np.float32))
    energy = np.zeros_like(squares)
    channels = x.shape[1]
    for offset in range(-(size // 2), size - size // 2):
        to = slice(max(-offset, 0), max(channels - max(offset, 0), 0))
        beside = slice(max(offset, 0), max(channels + min(offset, 0), 0))
        energy[:, to] += squares[:, beside]
    scale = (energy * (alpha / size) + k) ** -beta
    return np.asarray(x * scale, x.dtype)


def batch_norm(
    x: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> NDArray[Any]:
    """Normalise each channel, as `torch.nn.functional.batch_norm`.

        y = (x − mean) / √(var + eps) · weight + bias          Ioffe & Szegedy 2015

    x is (n, c, …), floats; the others are (c,). With `training` the mean and the (biased)
    variance of x are used; the running ones, which PyTorch would update in place by `momentum`,
    stay as they are and may be None.

    >>> batch_norm(np.array([[[1.0, 3.0]]]), [1.0], [4.0], eps=0).ravel()
    array([0., 1.])
    """
    x = _floats(x, "batch_norm")
    if x.ndim < 2:
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; batch_norm takes (n, c, …)")
    working = np.promote_types(x.dtype, np.float32)
    shape = 1, x.shape[1], *[1] * (x.ndim - 2)
    others = tuple(axis for axis in range(x.ndim) if axis != 1)
    wide = x.astype(working, copy=False)
    if training:
        mean, var = wide.mean(others, keepdims=True), wide.var(others, keepdims=True)
    elif running_mean is None or running_var is None:
        raise UnfitError("batch_norm needs running_mean and running_var unless training")
    else:
        mean, var = (_channels(one, shape, working) for one in (running_mean, running_var))
    scale = 1 / np.sqrt(var + working.type(eps))
    if weight is not None:
        scale = scale * _channels(weight, shape, working)
    y = (wide - mean) * scale
    if bias is not None:
        y += _channels(bias, shape, working)
    return np.asarray(y, x.dtype)


def _channels(values: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """One value a channel, laid along x's second axis."""
    array = np.asarray(values, dtype)
    if array.shape != (shape[1],):
        raise UnfitError(f"{shape[1]} channels need ({shape[1]},) values, not {array.shape}")
    return array.reshape(shape)


def _floats(x: ArrayLike, door: str) -> NDArray[Any]:
    array = np.asarray(x)
    check_real(door, array)
    if array.dtype.kind != "f":
        raise UnfitError(f"{door} takes floats, not {array.dtype}")
    return array
