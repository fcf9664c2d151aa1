"""Lessons: an operation explained step by step, and a kernel fitted to a pair of pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from convcli.api.results import Explanation, Fit
from convcli.errors import SpecError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from convcli.geometry import Padding

Values: TypeAlias = "str | int | Sequence[object] | ArrayLike"
"""A size, or numbers: as text, as nested sequences, or as an array."""

Pair: TypeAlias = int | tuple[int, int]


def explain(
    input: Values | None = None,
    kernel: Values | None = None,
    *,
    picture: str | os.PathLike[str] | None = None,
    stride: Pair | None = None,
    padding: int | str | tuple[int, ...] | None = None,
    dilation: Pair | None = None,
    border: str | None = None,
    bias: float | str | None = None,
    flip: bool = False,
    transposed: bool = False,
    scatter: bool = False,
    output_padding: Pair | None = None,
    cell: tuple[int, int] | None = None,
    every: bool = False,
    seed: int | None = None,
    symbols: bool = False,
    at: tuple[int, int] | None = None,
    pool: str | None = None,
    activation: str | None = None,
    backward: bool = False,
    grad: Values | None = None,
    signal: Values | None = None,
    mode: str | None = None,
    receptive: str | os.PathLike[str] | None = None,
    unit: tuple[str, tuple[int, ...]] | None = None,
) -> Explanation:
    """Every product and every sum of a convolution, a pool, an activation or a 1-D signal.

    `input` and `kernel` are sizes, 5 or (5, 5, 3) (height, width, channels), whose numbers a seed
    draws, or `symbols` names; or numbers: text as on the command line, or an array of (rows,
    columns) or (channels, rows, columns). Numbers stay exact. `every` is `--all`, `seed` is
    `--random`; all other arguments are the options of `convcli explain`. `padding` is of both
    sides, (rows, columns), (top, bottom, left, right), "same" or "valid".

    >>> lesson = explain([[1, 2, 0], [0, 1, 3], [2, 1, 1]], [[1, 0], [0, -1]])
    >>> lesson
    <cross-correlation: input 3x3, kernel 2x2, stride 1, padding 0: output 2x2>
    >>> lesson.output
    (((0, -1), (-1, 0)),)
    >>> lesson.rows()[0]["sum"]
    'z[0,0] = 1·1 + 2·0 + 0·0 + 1·(-1) = 0'

    `print` shows the steps; `save` writes the animation, the picture or the page. Raises SpecError
    for numbers and options that are not understood or clash, UnfitError for what does not fit.
    """
    from convcli.app.lessons import ExplainOptions, lesson_of

    options = ExplainOptions(
        input=_text(input),
        kernel=_text(kernel),
        picture=None if picture is None else os.fspath(picture),
        stride=_pair(stride, "stride", 1),
        padding=_padding(padding),
        dilation=_pair(dilation, "dilation", 1),
        border=border,
        bias=None if bias is None else str(bias),
        flip=flip,
        transposed=transposed,
        scatter=scatter,
        output_padding=_pair(output_padding, "output_padding", 0),
        cell=_pair(cell, "cell", 0),
        every=every,
        random=seed,
        symbols=symbols,
        at=_pair(at, "at", 0),
        pool=pool,
        activation=activation,
        backward=backward,
        grad=_text(grad),
        signal=_text(signal),
        mode=mode,
        receptive=None if receptive is None else os.fspath(receptive),
        unit=unit,
    )
    return Explanation(lesson_of(options), options)


def fit(
    before: str | os.PathLike[str] | ArrayLike,
    after: str | os.PathLike[str] | ArrayLike,
    size: Pair | Literal["auto"] = 3,
) -> Fit:
    """The kernel that turned one picture into another, by least squares.

    Pictures are paths, or arrays (height, width) or (height, width, samples): of uint8 and uint16
    as pictures are, samples from 0 to 255; of other numbers as they are. `size` is that of the
    kernel, 5 or (3, 5); "auto" takes the smallest that explains the pair.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).random((32, 32))
    >>> found = fit(noise[:, :-1], noise[:, 1:] - noise[:, :-1], (1, 3))
    >>> found.kernels[0, 0, 0, 1:].round(9).tolist(), found.is_explained
    ([-1.0, 1.0], True)

    Raises UnfitError where many kernels fit as well, or where the sizes do not belong together;
    PictureError for a file that is not a picture, SpecError for a size that is not understood.
    """
    from convcli.app.fit import fit_kernel
    from convcli.fitting.levels import Levels, array_levels, open_levels

    def levels(picture: str | os.PathLike[str] | ArrayLike) -> Levels:
        if isinstance(picture, str | os.PathLike):
            return open_levels(os.fspath(picture))
        return array_levels(picture)

    pair = size if isinstance(size, str) else _pair(size, "size", 1) or (3, 3)
    if isinstance(pair, str) and pair != "auto":
        raise SpecError(f"size={pair!r:.40} is neither integers nor 'auto'")
    result = fit_kernel(levels(before), levels(after), pair)
    result.check()
    return Fit(result)


def _text(value: Values | None) -> str | None:
    """Numbers as the command line writes them; a flat sequence of integers is a size.

    >>> _text([[1, 2.5], [0, "a"]]), _text((5, 5, 3)), _text([[[1]], [[2]]]), _text(7)
    ('1 2.5; 0 a;', '5x5x3', '1 | 2;', '7')

    Raises SpecError for what is nested deeper, or not at all numbers.
    """
    if value is None or isinstance(value, str):
        return value
    if tolist := getattr(value, "tolist", None):
        value = tolist()  # an array
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, Sequence) or not value:
        raise SpecError(f"{value!r:.60} holds no numbers")
    if isinstance(value, tuple) and all(type(side) is int for side in value):
        return "x".join(map(str, value))
    return _nested(value)


def _nested(values: Sequence[object]) -> str:
    """Rows apart by `;`, channels by `|`; with a `;` at the end one number is not a size."""
    joints = {0: " ", 1: "; ", 2: " | "}
    depth, first = 0, values[0]
    while isinstance(first, Sequence) and not isinstance(first, str):
        depth, first = depth + 1, first[0] if first else 0
    if depth not in joints:
        raise SpecError("numbers are (rows, columns) or (channels, rows, columns)")

    def text(part: object, depth: int) -> str:
        nested = isinstance(part, Sequence) and not isinstance(part, str)
        if nested != (depth >= 0):
            raise SpecError(f"{part!r:.60}: rows of numbers differ in how deep they are nested")
        if not isinstance(part, Sequence) or isinstance(part, str):
            return str(part)
        return joints[depth].join(text(item, depth - 1) for item in part)

    return f"{text(values, depth)};"


def _pair(value: Pair | None, name: str, minimum: int) -> tuple[int, int] | None:
    """One number for both axes, or one for each. Raises SpecError."""
    if value is None:
        return None
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2 or any(type(side) is not int or side < minimum for side in pair):
        raise SpecError(f"{name}={value!r:.40} is not one or two integers of at least {minimum}")
    return pair


def _padding(value: int | str | tuple[int, ...] | None) -> tuple[Padding, Padding] | None:
    from convcli.sizes import read_padding

    if value is None:
        return None
    if isinstance(value, tuple):
        text = ("x" if len(value) == 2 else ",").join(map(str, value))
    else:
        text = str(value)
    try:
        rows, columns = read_padding(text)
    except ValueError as error:
        raise SpecError(f"padding={value!r:.40}: {error}") from None
    return rows, columns
