"""Arguments of the public functions, read into plain integers and dtypes."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import Array, Dtype
from convcli.errors import UnfitError
from convcli.geometry import PADDINGS, Pair, Window, resolve_padding

Sizes = int | Sequence[int]
"""One number for both axes, or (height, width)."""

Padding = str | int | Sequence[int] | Sequence[Sequence[int]]
"""A name, one number, (height, width), or ((top, bottom), (left, right))."""

EXACT_FLOAT = 2**53
"""Every integer up to here is a float64, so sums below it may use the fast float product."""

MAX_VALUES = 2**40
"""An array of more is refused before any work is done."""


def pair(value: Sizes, what: str, minimum: int = 1) -> Pair:
    """One number, or two, as two whole numbers.

    >>> pair(3, "stride"), pair((1, 2), "stride")
    ((3, 3), (1, 2))

    Raises UnfitError for anything else, and for numbers below `minimum`.
    """
    both = integers(value, 2)
    if both is None or min(both) < minimum:
        raise UnfitError(f"{what}={value} must be one or two whole numbers of at least {minimum}")
    return both[0], both[1]


def integers(value: object, count: int) -> list[int] | None:
    """`count` integers, from one that stands for all or from a sequence; else None."""
    if type(value) is int:
        return [value] * count
    if isinstance(value, np.ndarray):
        value = value.tolist()
    numbers = list(value) if isinstance(value, Sequence) else [value]
    if len(numbers) == 1:
        numbers *= count
    # Python's booleans are integers; as a size or a count they are a slip
    known = [
        int(number)
        for number in numbers
        if isinstance(number, int | np.integer) and not isinstance(number, bool)
    ]
    return known if len(known) == len(numbers) == count else None


def integer(value: object, what: str, minimum: int = 1) -> int:
    """One whole number of at least `minimum`.

    >>> integer(np.int8(3), "size")
    3

    Raises UnfitError for anything else.
    """
    numbers = integers(value, 1)
    if numbers is None or numbers[0] < minimum:
        raise UnfitError(f"{what}={value} must be a whole number of at least {minimum}")
    return numbers[0]


def number(value: object, what: str) -> float:
    """One real number as Python's, which leaves the dtype of every array as it is.

    >>> number(np.float64(0.5), "alpha"), number(2**60 + 1, "padding_value")
    (0.5, 1152921504606846977)

    Raises UnfitError for anything else.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, Real):
        raise UnfitError(f"{what}={value!r} must be a number")
    try:
        decimal = float(value)
    except OverflowError:
        raise UnfitError(f"{what}={value} is beyond the largest float") from None
    return int(value) if isinstance(value, Integral) else decimal


def flag(value: object, what: str) -> bool:
    """True or False; UnfitError for anything else."""
    if not isinstance(value, bool | np.bool_):
        raise UnfitError(f"{what}={value!r} must be True or False")
    return bool(value)


def pads(padding: Padding, windows: tuple[Window, Window]) -> tuple[Pair, Pair]:
    """The cells added (above, below) and (left, right).

    The names are those of `convcli.geometry.PADDINGS`. As in PyTorch, "same" and "same_lower" are
    for stride 1.

    >>> pads("same", (Window(3), Window(4))), pads("same_lower", (Window(3), Window(4)))
    (((1, 1), (1, 2)), ((1, 1), (2, 1)))
    >>> pads(((0, 1), (2, 3)), (Window(3, 2), Window(3, 2)))
    ((0, 1), (2, 3))
    """
    if isinstance(padding, str):
        return _named_pads(padding, windows)
    if isinstance(padding, np.ndarray):
        padding = padding.tolist()
    sides = list(padding) if isinstance(padding, Sequence) else [padding]
    if len(sides) == 1:
        sides *= 2
    ends = [len(side) if isinstance(side, Sequence) else 2 for side in sides]
    read = [integers(side, 2) for side in sides] if set(ends) == {2} else []
    if len(read) != 2 or any(side is None or min(side) < 0 for side in read):
        raise UnfitError(
            f"padding={padding} must be one of {', '.join(PADDINGS)}, one or two integers of at "
            "least 0, or ((top, bottom), (left, right))"
        )
    (top, bottom), (left, right) = (side for side in read if side is not None)
    return (top, bottom), (left, right)


def _named_pads(name: str, windows: tuple[Window, Window]) -> tuple[Pair, Pair]:
    if name not in PADDINGS:
        raise UnfitError(f"padding={name!r} must be one of {', '.join(PADDINGS)}, or integers")
    rows, columns = windows
    stride = rows.stride, columns.stride
    if name in ("same", "same_lower") and stride != (1, 1):
        raise UnfitError(f"padding={name!r} is for stride 1, not {stride}; give numbers")
    # at stride 1 no name depends on the length
    return resolve_padding(name, 1, rows), resolve_padding(name, 1, columns)


def batch(x: Array, axes: str, function: str) -> Array:
    """x with an axis of images in front, whether or not it came with one.

    >>> batch(np.ones((3, 8, 8)), "c, h, w", "conv2d").shape
    (1, 3, 8, 8)
    """
    count = axes.count(",") + 1
    if x.ndim not in (count, count + 1):
        raise UnfitError(f"x has {x.ndim} axes {x.shape}; {function} takes (n, {axes}) or ({axes})")
    return x if x.ndim > count else x[np.newaxis]


def check_real(function: str, *arrays: Array) -> None:
    for array in arrays:
        if array.dtype.kind not in "biuf":
            raise UnfitError(f"{function} takes real numbers, not {array.dtype}")


def check_count(values: int, what: str) -> None:
    """Refuse an array that would hold more than MAX_VALUES."""
    if values > MAX_VALUES:
        raise UnfitError(f"{what} would hold {values:,} values")


def floats(function: str, x: ArrayLike) -> Array:
    """x as an array of floats; booleans and integers become float64.

    >>> floats("relu", [1, 2]).dtype, floats("relu", np.float16(1)).dtype
    (dtype('float64'), dtype('float16'))
    """
    array = np.asarray(x)
    check_real(function, array)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


class Dtypes:
    """The dtypes of one product: what it is computed in, and what is returned.

    Floats keep their common dtype, and float16 is summed in float32. Booleans and integers give
    int64, exactly: in float64 where every sum fits its 53 bits, else in int64.
    """

    def __init__(
        self,
        function: str,
        x: Array,
        weight: Array,
        bias: Array | None,
        axis: int,
        fill: float = 0,
    ) -> None:
        arrays = [x, weight] if bias is None else [x, weight, bias]
        check_real(function, *arrays)
        common = np.result_type(*arrays)
        # NumPy's common dtype of uint64 and int64 is a float
        self.exact = all(array.dtype.kind in "biu" for array in arrays)
        if not self.exact:
            self.working, self.result = np.promote_types(common, np.float32), common
            return
        heaviest = _heaviest(np.moveaxis(weight, axis, 0))
        if fill != fill or fill in (np.inf, -np.inf) or int(fill) != fill:
            raise UnfitError(
                f"padding_value={fill} is not an integer, but the arrays hold integers"
            )
        largest = max(_largest(x), abs(int(fill))) * heaviest + (
            0 if bias is None else _largest(bias)
        )
        if largest >= 2**63:
            raise UnfitError(f"integer sums may reach {largest}, beyond int64; convert to float64")
        self.working = np.dtype(np.float64 if largest <= EXACT_FLOAT else np.int64)
        self.result = np.dtype(np.int64)


def _heaviest(weight: Array) -> int:
    """The largest sum of weights of one output: max over f of Σ|weight[f]|."""
    taps = weight.reshape(len(weight), -1) if weight.size else np.zeros((1, 1), np.int64)
    if _largest(taps) * taps.shape[1] < 2**63:
        return int(np.abs(taps.astype(np.int64, copy=False)).sum(axis=1).max())
    # Python's integers, since the bound itself may be beyond int64
    return max(sum(map(abs, map(int, row))) for row in taps)


def _largest(array: Array) -> int:
    return max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0


def bias_of(bias: object, filters: int) -> Array | None:
    """The bias as an array of one value per filter."""
    if bias is None:
        return None
    values = np.asarray(bias)
    if values.shape != (filters,):
        raise UnfitError(f"bias has the shape {values.shape}; one per filter is ({filters},)")
    return values


def finished(y: Array, bias: Array | None, result: Dtype, axes: int) -> Array:
    """y (…, f, *lengths), with the bias of each filter added in place, in `result`."""
    if bias is not None:
        y += bias.astype(y.dtype).reshape(-1, *[1] * axes)
    return y.astype(result, copy=False)
