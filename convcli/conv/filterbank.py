"""The door for networks: checks, pads, splits groups, chooses an algorithm."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.conv.algorithms import ALGORITHMS, Algorithm
from convcli.conv.problem import Problem
from convcli.errors import UnfitError, counted

Sizes = int | tuple[int, int]

EXACT_FLOAT = 2**53
"""Every integer up to here is a float64, so sums below it may use the fast float product."""


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    algorithm: str = "auto",
) -> NDArray[Any]:
    """Cross-correlate images with a bank of filters, as `torch.nn.functional.conv2d`.

        y[n, f, u, v] = bias[f] + Σ_c Σ_i Σ_j x[n, c, u·s + d·i, v·s + d·j] · weight[f, c, i, j]

    Parameters:
        x: images (n, c, h, w), or one image (c, h, w).
        weight: filters (f, c / groups, i, j), used as drawn, not flipped.
        bias: one value a filter, (f,).
        stride, dilation: one number for both axes, or (height, width).
        padding: zeros on both sides of an axis, one number or (height, width); "valid" for none;
            "same" for an output as large as the input, the odd zero at the end (stride 1 only).
        groups: input channels and filters fall into so many groups that do not see each other.
        algorithm: "auto", or a name of `convcli.conv.algorithms.ALGORITHMS`.

    Returns a new array (n, f, h', w'), or (f, h', w') for one image, with
    h' = ⌊(h + 2·padding − dilation·(i − 1) − 1) / stride⌋ + 1. Floats keep their common dtype
    (float16 is summed in float32); booleans and integers are summed exactly and give int64.

    Raises UnfitError, a ValueError, for shapes that do not fit each other, for dtypes that are no
    real numbers, for integer sums that int64 may not hold and for an algorithm that refuses.

    >>> image = np.arange(16).reshape(1, 4, 4)
    >>> conv2d(image, [[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]])
    array([[[ 5,  6],
            [ 9, 10]]])
    """
    x, weight = np.asarray(x), np.asarray(weight)
    images = x if x.ndim == 4 else x[np.newaxis]
    _check_shapes(x, weight, groups)
    offsets = None if bias is None else _bias(np.asarray(bias), len(weight))
    working, result = _dtypes(x, weight, offsets)
    problem, pads = _problem(images.shape, weight.shape, stride, padding, dilation, groups)
    y = _choose(problem, algorithm).convolve(
        _padded(images, pads, working).reshape(
            problem.images, groups, problem.channels, *problem.input
        ),
        weight.astype(working).reshape(groups, problem.filters, problem.channels, *problem.kernel),
        problem,
    )
    y = y.reshape(problem.images, len(weight), *problem.output).astype(result, copy=False)
    if offsets is not None:
        y += offsets.astype(result)[:, np.newaxis, np.newaxis]
    return y if x.ndim == 4 else y[0]


def _check_shapes(x: NDArray[Any], weight: NDArray[Any], groups: int) -> None:
    if x.ndim not in (3, 4):
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; conv2d takes (n, c, h, w) or (c, h, w)")
    if weight.ndim != 4 or 0 in weight.shape[1:]:
        raise UnfitError(f"weight has the shape {weight.shape}; conv2d takes (f, c / groups, i, j)")
    if groups < 1 or len(weight) % groups:
        raise UnfitError(f"groups={groups} does not divide {len(weight)} filters")
    if x.shape[-3] != weight.shape[1] * groups:
        raise UnfitError(
            f"x has {x.shape[-3]} channels, the filters expect {weight.shape[1] * groups} "
            f"({weight.shape[1]} each in {counted(groups, 'group')})"
        )


def _bias(bias: NDArray[Any], filters: int) -> NDArray[Any]:
    if bias.shape != (filters,):
        raise UnfitError(f"bias has the shape {bias.shape}; {filters} filters need ({filters},)")
    return bias


def _dtypes(
    x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any] | None
) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """The dtype to compute in and the dtype to return."""
    arrays = [x, weight] if bias is None else [x, weight, bias]
    for array in arrays:
        if array.dtype.kind not in "biuf":
            raise UnfitError(f"conv2d takes real numbers, not {array.dtype}")
    common = np.result_type(*arrays)
    if common.kind == "f":
        return np.promote_types(common, np.float32), common
    # Python integers, since the bound itself may be beyond int64
    largest = _largest(x) * max(
        (sum(abs(int(tap)) for tap in taps.flat) for taps in weight), default=0
    ) + (0 if bias is None else _largest(bias))
    if largest >= 2**63:
        raise UnfitError(f"integer sums may reach {largest}, beyond int64; convert to float64")
    exact = np.float64 if largest <= EXACT_FLOAT else np.int64
    return np.dtype(exact), np.dtype(np.int64)


def _largest(array: NDArray[Any]) -> int:
    return max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0


def _problem(
    images: tuple[int, ...],
    weight: tuple[int, ...],
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> tuple[Problem, list[tuple[int, int]]]:
    """The normal form of the arguments, and the zeros to add before and after each axis."""
    kernel = weight[2], weight[3]
    strides, dilations = _pair(stride, "stride", 1), _pair(dilation, "dilation", 1)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = _pads(padding, reach, strides)
    height, width = (length + sum(pad) for length, pad in zip(images[2:], pads, strict=True))
    if height < reach[0] or width < reach[1]:
        raise UnfitError(
            f"the kernel reaches {reach[0]}x{reach[1]} cells, the padded input has {height}x{width}"
        )
    output = (height - reach[0]) // strides[0] + 1, (width - reach[1]) // strides[1] + 1
    channels, filters = images[1] // groups, weight[0] // groups
    problem = Problem(
        images[0], groups, channels, filters, (height, width), kernel, strides, dilations, output
    )
    return problem, pads


def _pair(value: Sizes, what: str, least: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int | np.integer) else tuple(value)
    if len(pair) != 2 or min(pair) < least:
        raise UnfitError(f"{what}={value} must be one or two whole numbers of at least {least}")
    return int(pair[0]), int(pair[1])


def _pads(
    padding: Sizes | str, reach: list[int], strides: tuple[int, int]
) -> list[tuple[int, int]]:
    if padding == "same":
        if strides != (1, 1):
            raise UnfitError(f"padding='same' is for stride 1, not {strides}")
        return [((span - 1) // 2, span // 2) for span in reach]
    if isinstance(padding, str) and padding != "valid":
        raise UnfitError(f"padding={padding!r} must be 'same', 'valid' or numbers")
    return [(p, p) for p in _pair(0 if isinstance(padding, str) else padding, "padding", 0)]


def _padded(
    images: NDArray[Any], pads: list[tuple[int, int]], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """The images in their working dtype with zeros around, in memory order."""
    (top, bottom), (left, right) = pads
    n, c, h, w = images.shape
    padded = np.zeros((n, c, top + h + bottom, left + w + right), dtype)
    padded[:, :, top : top + h, left : left + w] = images
    return padded


def _choose(problem: Problem, name: str) -> Algorithm:
    """The algorithm of this name, or for "auto" the cheapest that does not refuse."""
    if name == "auto":
        able = [one for one in ALGORITHMS.values() if one.refuses(problem) is None]
        return min(able, key=lambda one: one.cost(problem))
    if name not in ALGORITHMS:
        raise UnfitError(f"algorithm={name!r} is none of auto, {', '.join(ALGORITHMS)}")
    if reason := ALGORITHMS[name].refuses(problem):
        raise UnfitError(f"algorithm={name!r} refuses: {reason}")
    return ALGORITHMS[name]
