"""The functions for networks: check and read the arguments, choose an algorithm."""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import Array, Dtype
from convcli.borders import Border, read_border
from convcli.conv.algorithms import choose, chosen_for
from convcli.conv.blas import single_threaded_blas
from convcli.conv.sliding import new_output
from convcli.conv.spec import Problem
from convcli.conv.validate import (
    Dtypes,
    Padding,
    Sizes,
    batch,
    bias_of,
    check_count,
    finished,
    integer,
    integers,
    number,
    pads,
    pair,
)
from convcli.errors import SpecError, UnfitError
from convcli.text import counted


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    algorithm: str = "auto",
    padding_mode: str = "zero",
    padding_value: float = 0,
) -> Array:
    """Cross-correlate images with a bank of filters, as `torch.nn.functional.conv2d`.

        y[n, f, u, v] = bias[f] + Σ_c Σ_i Σ_j x[n, c, u·s + d·i, v·s + d·j] · weight[f, c, i, j]

    (Goodfellow, Bengio & Courville 2016, equation 9.6; the size of y: Dumoulin & Visin 2016).

    Parameters:
        x: images (n, c, h, w), or one image (c, h, w).
        weight: filters (f, c / groups, i, j), used as drawn, not flipped.
        bias: one value per filter, (f,).
        stride, dilation: one number for both axes, or (height, width).
        padding: cells added around, one number, (height, width) or ((top, bottom), (left,
            right)); "valid" for none; "same" for an output as large as the input, the odd cell
            at the end, or "same_lower", at the start (both for stride 1 only); "causal" for as
            many outputs, none of which sees what comes after it.
        groups: number of groups of input channels and filters that do not see each other.
        algorithm: "auto", or a name of `convcli.conv.algorithms.ALGORITHMS`.
        padding_mode: what the added cells hold: "zero", "edge", "reflect", "symmetric", "wrap",
            "constant:VALUE", or "constant", which is `padding_value`; "valid" for no added cells.
            PyTorch's "zeros", "replicate" and "circular" are accepted.

    Returns a new array (n, f, h', w'), or (f, h', w') for one image, with
    h' = ⌊(h + 2·padding − dilation·(i − 1) − 1) / stride⌋ + 1. Floats keep their common dtype
    (float16 is summed in float32); booleans and integers are summed exactly and give int64.
    Beside it, at most `workspace_bytes` are allocated.

    Winograd and Fourier products round relative to the largest value of a tile, not of a window,
    and spread an infinity or a NaN over the tile. "auto" takes neither where x is not finite or so
    large (1e29 and more in float32) that their sums could overflow; `algorithm="gemm"` never does.

    Raises UnfitError, a ValueError, for shapes that do not fit each other, for dtypes that are no
    real numbers, for integer sums that int64 may not hold and for an algorithm that refuses.

    >>> image = np.arange(16).reshape(1, 4, 4)
    >>> conv2d(image, [[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]])
    array([[[ 5,  6],
            [ 9, 10]]])
    >>> conv2d(image, [[[[1, 0, 0]]]], padding="same", padding_mode="wrap")[0, 0]
    array([3, 0, 1, 2])
    """
    x, weight = np.asarray(x), np.asarray(weight)
    images = batch(x, "c, h, w", "conv2d")
    groups = _check_shapes(images.shape, weight.shape, groups)
    offsets = bias_of(bias, len(weight))
    border = border_of(padding_mode, padding_value)
    dtypes = Dtypes("conv2d", images, weight, offsets, axis=0, fill=border.fill)
    arguments = stride, padding, dilation, groups, dtypes.working, dtypes.exact, border
    problem = problem_of(images.shape, weight.shape, *arguments)
    if isinstance(algorithm, str) and algorithm == "auto":
        algorithm = chosen_for(problem, images, weight)
    chosen = choose(problem, algorithm)
    if problem.macs:
        images = images.reshape(problem.images, groups, problem.channels, *problem.size)
        weight = np.ascontiguousarray(weight, dtypes.working)
        shape = groups, problem.filters, problem.channels, *problem.kernel
        y = chosen.convolve(images, weight.reshape(shape), problem)
    else:
        y = new_output(problem)
    y = y.reshape(problem.images, groups * problem.filters, *problem.output)
    y = finished(y, offsets, dtypes.result, axes=2)
    return y if x.ndim == 4 else y[0]


def conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int = 1,
    padding: str | int | tuple[int, int] = 0,
    dilation: int = 1,
    groups: int = 1,
    algorithm: str = "auto",
    padding_mode: str = "zero",
    padding_value: float = 0,
) -> Array:
    """Cross-correlate signals with a bank of filters, as `torch.nn.functional.conv1d`.

        y[n, f, v] = bias[f] + Σ_c Σ_j x[n, c, v·s + d·j] · weight[f, c, j]

    x is (n, c, w) or (c, w), weight (f, c / groups, j), and the result (n, f, w') or (f, w');
    stride and dilation are one number, padding is a name, one number or (before, after). Dtypes,
    algorithms and errors are those of `conv2d`, which sees a picture of one row.

    >>> conv1d(np.array([[1, 2, 4, 8]]), [[[1, 1]]])
    array([[ 3,  6, 12]])
    """
    x, weight = np.asarray(x), np.asarray(weight)
    batch(x, "c, w", "conv1d")
    if weight.ndim != 3:
        raise UnfitError(f"weight has the shape {weight.shape}; conv1d takes (f, c / groups, j)")
    sides = padding if isinstance(padding, str) else ((0, 0), _ends(padding))
    y = conv2d(
        x[..., np.newaxis, :],
        weight[:, :, np.newaxis],
        bias,
        (1, integer(stride, "stride")),
        sides,
        (1, integer(dilation, "dilation")),
        groups,
        algorithm,
        padding_mode,
        padding_value,
    )
    return y[..., 0, :]


def _ends(padding: object) -> tuple[int, int]:
    both = integers(padding, 2)
    if both is None or min(both) < 0:
        raise UnfitError(f"padding={padding} must be a name, one whole number, or (before, after)")
    return both[0], both[1]


def depthwise_conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
) -> Array:
    """Convolve each channel with filters of its own: `conv2d` with as many groups as channels.

        y[n, c·m + k, u, v] = bias[c·m + k] + Σ_i Σ_j x[n, c, …] · weight[c·m + k, 0, i, j]

    x is (n, c, h, w) or (c, h, w), weight (c · m, 1, i, j) with a multiplier m, the result
    (n, c · m, h', w') or (c · m, h', w') (Sifre 2014; Howard et al. 2017). Dtypes and errors are
    those of `conv2d`. A grouped convolution is `conv2d(…, groups=…)`.

    >>> depthwise_conv2d(np.ones((2, 1, 1), int), [[[[3]]], [[[4]]]]).ravel()
    array([3, 4])
    """
    x = np.asarray(x)
    channels = batch(x, "c, h, w", "depthwise_conv2d").shape[1]
    if not channels:
        raise UnfitError(f"x has no channels: {x.shape}")
    return conv2d(x, weight, bias, stride, padding, dilation, groups=channels)


def workspace_bytes(
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    algorithm: str = "auto",
    dtype: str = "float32",
) -> int:
    """The most bytes that `conv2d` allocates beside its result, for floats of this dtype.

    Shapes are (n, c, h, w) or (c, h, w), and (f, c / groups, i, j). An upper bound, known before
    any array exists; it depends on the number of threads.

    Raises UnfitError for shapes that do not fit each other, for an algorithm that refuses and for
    dtypes other than floats; TypeError for what is no dtype.

    >>> workspace_bytes((3, 3000, 3000), (8, 3, 3, 3), padding=1) < 64 << 20
    True
    """
    shape, bank = _sizes(x_shape, "x_shape"), _sizes(weight_shape, "weight_shape")
    shape = (1, *shape) if len(shape) == 3 else shape
    if np.dtype(dtype).kind != "f":
        raise UnfitError(f"dtype={dtype}: the workspace is that of floats")
    working = np.promote_types(dtype, np.float32)
    problem = problem_of(shape, bank, stride, padding, dilation, groups, working)
    chosen = choose(problem, algorithm)
    return chosen.workspace_bytes(problem) if problem.macs else 0


def _sizes(shape: object, what: str) -> tuple[int, ...]:
    sizes = integers(shape, len(shape)) if isinstance(shape, Sequence) else None
    if sizes is None or min(sizes, default=0) < 0:
        raise UnfitError(f"{what}={shape} must be the shape of an array")
    return tuple(sizes)


def problem_of(
    images: tuple[int, ...],
    weight: tuple[int, ...],
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
    working: Dtype,
    exact: bool = False,
    border: Border = Border(),  # noqa: B008  an immutable record
) -> Problem:
    """The normal form of the arguments of `conv2d`, for shapes (n, c, h, w) and (f, c', i, j)."""
    groups = _check_shapes(images, weight, groups)
    kernel, strides = (weight[2], weight[3]), pair(stride, "stride")
    rows, columns = pair(dilation, "dilation")
    # a single tap has no neighbor to stand apart from
    dilations = rows if kernel[0] > 1 else 1, columns if kernel[1] > 1 else 1
    problem = Problem(
        images=images[0],
        groups=groups,
        channels=weight[1],
        filters=weight[0] // groups,
        size=(images[2], images[3]),
        padding=((0, 0), (0, 0)),
        kernel=kernel,
        stride=strides,
        dilation=dilations,
        dtype=working.name,
        exact=exact,
        border=border,
    )
    problem = problem._replace(padding=pads(padding, problem.windows))
    _ = problem.output  # refuses what does not fit
    if border.name == "valid" and not problem.untouched:
        raise UnfitError(f"padding={padding}: the border valid adds no cells")
    height, width = problem.padded
    check_count(problem.images * images[1] * height * width, "the padded input")
    if border.repeats and not problem.untouched and 0 in problem.size:
        raise UnfitError(f"an empty image has no cells for the border {border.name!r} to repeat")
    # a window has one position on an axis that one step leaves, however far the step goes
    return problem._replace(stride=(min(strides[0], height), min(strides[1], width)))


def border_of(padding_mode: object, padding_value: object) -> Border:
    """The border that both arguments name.

    Raises UnfitError for what is not a border, and for a value that is not a number.
    """
    try:
        return read_border(padding_mode, number(padding_value, "padding_value"))
    except SpecError as error:
        raise UnfitError(f"padding_mode={error}") from None


def _check_shapes(x: tuple[int, ...], weight: tuple[int, ...], groups: object) -> int:
    """The number of groups, of shapes (n, c, h, w) and (f, c / groups, i, j) that fit them."""
    if len(x) != 4:
        raise UnfitError(f"x has the shape {x}; it must be (n, c, h, w)")
    if len(weight) != 4 or 0 in weight[1:]:
        raise UnfitError(f"weight has the shape {weight}; conv2d takes (f, c / groups, i, j)")
    count = integer(groups, "groups")
    if weight[0] % count:
        raise UnfitError(f"groups={groups} does not divide {weight[0]} filters")
    if x[1] != weight[1] * count:
        raise UnfitError(
            f"x has {x[1]} channels, the filters expect {weight[1] * count} "
            f"({weight[1]} each in {counted(count, 'group')})"
        )
    return count


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """x · weightᵀ + bias, as `torch.nn.functional.linear`.

        y[…, o] = bias[o] + Σ_i x[…, i] · weight[o, i]    Goodfellow, Bengio & Courville 2016, §6.1

    The shapes are x (…, in), weight (out, in), bias (out,) and of the result (…, out). Dtypes and
    errors are those of `conv2d`: integers are exact and give int64.

    >>> linear([1, 2, 3], [[1, 0, 1], [0, 1, 0]], [10, 20])
    array([14, 22])
    """
    x, weight = np.asarray(x), np.asarray(weight)
    if weight.ndim != 2:
        raise UnfitError(f"weight has the shape {weight.shape}; linear takes (out, in)")
    if x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise UnfitError(f"x has the shape {x.shape}, the weights expect (…, {weight.shape[1]})")
    offsets = bias_of(bias, len(weight))
    dtypes = Dtypes("linear", x, weight, offsets, axis=0)
    x, weight = (array.astype(dtypes.working, copy=False) for array in (x, weight))
    # of one vector, BLAS's threads add up parts, so that the last bit depends on their number
    with single_threaded_blas() if x.ndim == 1 else nullcontext():
        y = np.matmul(x, weight.T)
    return finished(y, offsets, dtypes.result, axes=0)
