"""Values normalized by their neighbors, or by statistics that a network learned."""

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import Array, Dtype
from convcli.conv.functional import conv2d
from convcli.conv.validate import check_real, flag, integer, number
from convcli.errors import UnfitError


def local_response_norm(
    x: ArrayLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Array:
    """Divide by the energy of neighboring channels, as `torch.nn.functional.local_response_norm`.

        y_c = x_c · (k + α/size · Σ_{c'} x_{c'}²)^(−β)    c' from c − ⌊size/2⌋, `size` channels

    x is (n, c, …), floats; the result has its shape and dtype. TensorFlow takes α as it is;
    PyTorch, ONNX and this divide it by the size of the window (Krizhevsky, Sutskever & Hinton
    2012 sum without dividing).

    Raises UnfitError for other dtypes, fewer axes and a size below 1.

    >>> local_response_norm([[[3.0], [4.0]]], size=1, alpha=1, beta=0.5, k=0).ravel()
    array([1., 1.])
    """
    x = _floats(x, "local_response_norm")
    if x.ndim < 3:
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; local_response_norm takes (n, c, …)")
    size = integer(size, "size")
    alpha, beta, k = number(alpha, "alpha"), number(beta, "beta"), number(k, "k")
    squares = np.square(x, dtype=np.promote_types(x.dtype, np.float32))
    energy = np.zeros_like(squares)
    channels = x.shape[1]
    # offsets beyond the channels add nothing
    for offset in range(max(-(size // 2), 1 - channels), min(size - size // 2, channels)):
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
) -> Array:
    """Normalize each channel, as `torch.nn.functional.batch_norm`.

        y = (x − mean) / √(var + eps) · weight + bias          Ioffe & Szegedy 2015

    x is (n, c, …), floats, the result of its shape and dtype; the others are (c,). With `training`
    the mean and the (biased) variance of x are used; the running ones, which PyTorch would update
    in place by `momentum`, stay as they are and may be None.

    Raises UnfitError for other dtypes and for shapes that do not fit each other.

    >>> batch_norm(np.array([[[1.0, 3.0]]]), [1.0], [4.0], eps=0).ravel()
    array([0., 1.])
    """
    x = _floats(x, "batch_norm")
    if x.ndim < 2:
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; batch_norm takes (n, c, …)")
    working = np.promote_types(x.dtype, np.float32)
    shape = 1, x.shape[1], *[1] * (x.ndim - 2)
    others = tuple(axis for axis in range(x.ndim) if axis != 1)
    values = x.astype(working, copy=False)
    if flag(training, "training"):
        if not x.size:
            raise UnfitError(f"x has no values to take a mean of: {x.shape}")
        mean, var = values.mean(others, keepdims=True), values.var(others, keepdims=True)
    elif running_mean is None or running_var is None:
        raise UnfitError("batch_norm needs running_mean and running_var unless training")
    else:
        mean, var = (_channels(running, shape, working) for running in (running_mean, running_var))
    scale = 1 / np.sqrt(var + working.type(number(eps, "eps")))
    if weight is not None:
        scale = scale * _channels(weight, shape, working)
    y = (values - mean) * scale
    if bias is not None:
        y += _channels(bias, shape, working)
    return np.asarray(y, x.dtype)


def local_contrast_norm(x: ArrayLike, size: int = 9) -> Array:
    """Take the local mean away, and divide by the local spread (Jarrett et al. 2009).

        v = x − Σ g·x        y = v / max(σ, c),  σ = √(Σ g·v²),  c = the mean of σ over the image

    The sums run over all channels and size×size cells, weighted by a Gaussian g of σ = size / 6
    that sums to one; at the border over the cells that are there. x is (n, c, h, w), floats,
    the result of its shape and dtype. A constant image becomes 0.

    Raises UnfitError for other dtypes and axes, for an even size and for images of no values.

    >>> flat = local_contrast_norm(np.full((1, 2, 6, 6), 3.0), size=3)
    >>> bool(np.abs(flat).max() < 1e-12)
    True
    """
    x = _floats(x, "local_contrast_norm")
    if x.ndim != 4:
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; local_contrast_norm takes (n, c, h, w)")
    size = integer(size, "size")
    if size % 2 == 0:
        raise UnfitError(f"size={size} must be odd, so that a window has a center")
    if 0 in x.shape[1:]:
        raise UnfitError(f"x has no values: {x.shape}")
    working = np.promote_types(x.dtype, np.float32)
    values = x.astype(working, copy=False)
    offsets = np.arange(size) - size // 2
    bell = np.exp(-0.5 * (offsets / (size / 6)) ** 2)
    inside = _blurred(np.ones((1, 1, *x.shape[2:]), working), bell)

    def local_mean(maps: Array) -> Array:
        return np.asarray(_blurred(maps.mean(axis=1, keepdims=True), bell) / inside)

    y = values - local_mean(values)
    spread = np.sqrt(np.maximum(local_mean(np.square(y)), 0))
    floor = spread.mean(axis=(1, 2, 3), keepdims=True)
    # where an image is constant there is nothing to divide
    y /= np.maximum(np.maximum(spread, floor), np.finfo(working).tiny)
    # a spread of rounding errors alone would make contrasts of them
    level = np.abs(values).max(axis=(1, 2, 3), keepdims=True, initial=0)
    y *= floor > 8 * np.finfo(working).eps * level
    return np.asarray(y, x.dtype)


def _blurred(maps: Array, bell: Array) -> Array:
    """Maps (n, 1, h, w) weighted along both axes, zeros outside."""
    taps = bell.astype(maps.dtype)
    columns = conv2d(maps, taps.reshape(1, 1, -1, 1), padding="same")
    return conv2d(columns, taps.reshape(1, 1, 1, -1), padding="same")


def _channels(values: ArrayLike, shape: tuple[int, ...], dtype: Dtype) -> Array:
    """One value per channel, along x's second axis."""
    array = np.asarray(values)
    check_real("batch_norm", array)
    if array.shape != (shape[1],):
        raise UnfitError(f"values of the shape {array.shape}; one per channel is ({shape[1]},)")
    return array.astype(dtype, copy=False).reshape(shape)


def _floats(x: ArrayLike, function: str) -> Array:
    array = np.asarray(x)
    check_real(function, array)
    if array.dtype.kind != "f":
        raise UnfitError(f"{function} takes floats, not {array.dtype}")
    return array
