"""The kernel that turns one picture into another: by least squares, or by gradient descent.

    after[r, c] = bias + Σ_i Σ_j before[r + i − (h − 1)//2, c + j − (w − 1)//2] · kernel[i, j]

is linear in the kernel and the bias, with one equation per pixel. Windows that leave the picture
are ignored, and so are clipped samples, which no linear map explains.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.geometry import Window, output_length
from convcli.records import NamedTuple

Array = NDArray[np.float64]

BAND_BYTES = 16 << 20
"""Equations of one band."""

MAX_WORK = 4e9
"""Equations · unknowns²: of larger problems, evenly spaced rows are taken."""

MAX_SIDE = 31
"""Rows or columns of a kernel that is fitted."""

MAX_LEVEL = 1e100
"""Sums of squares of larger values may be beyond float64."""

DEPENDENT = 1e-9
"""A direction that is this much weaker than the strongest, columns being of one length, is not
in the picture: rounding alone leaves 1e-13, the weakest of a blurred photograph 1e-5."""

BARELY = 0.05
"""A standard error of more than this share of the largest weight is a warning."""


class Equations(NamedTuple):
    """All equations, triangular: |r · unknowns − y|² + rest is the squared error of `used`.

    The unknowns are the kernel's taps, channel by channel, then the bias, which stands for a
    picture whose mean is taken away.
    """

    r: Array
    y: Array
    """(unknowns, filters)."""
    rest: Array
    """(filters,): the squared error that no kernel takes away."""
    spread: Array
    """(filters,): the squared distance of the targets from their mean."""
    used: int
    left_out: int
    """Equations whose sample was clipped."""
    pixels: int
    """Equations there would have been."""
    mean: float
    shape: tuple[int, int, int]
    """Channels, rows, columns of a kernel."""


class Fitted(NamedTuple):
    """Kernels (filters, channels, h, w) as drawn, biases, and how well they are known."""

    kernels: Array
    bias: Array
    errors: Array
    """A standard error a weight, in the kernels' shape; inf where nothing determines it."""
    rank: int
    unknowns: int
    residual: float
    """The root of the mean squared error, in levels."""
    explained: float
    """The share of the variance of the result that the kernels explain."""
    equations: Equations

    @property
    def determined(self) -> bool:
        """Whether only these kernels fit as well."""
        return self.rank == self.unknowns

    @property
    def barely(self) -> bool:
        """Whether other kernels fit almost as well."""
        return self.determined and float(self.errors.max()) > BARELY * float(
            np.abs(self.kernels).max() or 1
        )


def equations(
    before: Array, after: Array, size: tuple[int, int], clip: tuple[float, float] | None = None
) -> Equations:
    """The equations of a pair of pictures, (c, h, w) and (c', h, w).

    Where both have as many channels, one kernel is for all of them, as filters use it; else each
    channel of the result has a filter over all channels of `before`. A result that is smaller by
    the kernel less one was filtered without a border. Results at or beyond `clip` are left out.

    Raises UnfitError for sizes that do not belong together.
    """
    check_levels(MAX_LEVEL, before, after)
    before, after = _aligned(before, after, size)
    channels, filters = len(before), len(after)
    if channels == filters:
        groups = [(before[c : c + 1], after[c : c + 1]) for c in range(channels)]
    else:
        groups = [(before, after)]
    rows, columns = size
    taps = len(groups[0][0]) * rows * columns
    unknowns, targets = taps + 1, len(groups[0][1])
    height, width = map(output_length, before.shape[1:], map(Window, size))
    pixels = len(groups) * height * width
    every = max(1, round(pixels * (unknowns + targets) ** 2 / MAX_WORK + 0.5))
    if pixels // every < unknowns:
        raise UnfitError(
            f"{pixels // every:,} whole windows of {rows}x{columns} cannot determine "
            f"{unknowns:,} unknowns; fit a smaller --size or a larger picture"
        )
    mean = float(before.mean())
    triangle = np.zeros((0, unknowns + targets))
    count = left_out = 0
    total, squares = np.zeros(targets), np.zeros(targets)
    lines = np.arange(0, height, every)
    band = max(1, BAND_BYTES // (8 * (unknowns + targets) * width))
    for x, y in groups:
        windows = np.lib.stride_tricks.sliding_window_view(x - mean, size, axis=(1, 2))
        for start in range(0, len(lines), band):
            chosen = lines[start : start + band]
            block = np.empty((len(chosen) * width, unknowns + targets))
            block[:, :taps] = windows[:, chosen].transpose(1, 2, 0, 3, 4).reshape(-1, taps)
            block[:, taps] = 1
            results = y[:, chosen].reshape(targets, -1).T
            block[:, unknowns:] = results
            if clip is not None:
                inside = ((results > clip[0]) & (results < clip[1])).all(axis=1)
                left_out += int(inside.size - np.count_nonzero(inside))
                block, results = block[inside], results[inside]
            count += len(block)
            total += results.sum(axis=0)
            squares += np.square(results).sum(axis=0)
            triangle = np.asarray(np.linalg.qr(np.vstack([triangle, block]), mode="r"))
    short = unknowns + targets - len(triangle)
    triangle = np.vstack([triangle, np.zeros((max(short, 0), unknowns + targets))])
    return Equations(
        triangle[:unknowns, :unknowns],
        triangle[:unknowns, unknowns:],
        np.square(triangle[unknowns:, unknowns:]).sum(axis=0),
        squares - np.square(total) / max(count, 1),
        count,
        left_out,
        len(groups) * len(lines) * width,
        mean,
        (len(groups[0][0]), rows, columns),
    )


def check_levels(maximum: float, *pictures: Array) -> None:
    """Refuse values whose squares would overflow."""
    largest = max(float(np.abs(picture).max(initial=0)) for picture in pictures)
    if largest > maximum:
        raise UnfitError(f"values up to {largest:.3g} are too large to fit; at most {maximum:.0e}")


def _aligned(before: Array, after: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """The pair with `after` where whole windows of `before` have their anchor."""
    if max(size) > MAX_SIDE:
        raise UnfitError(f"a kernel of {size[0]}x{size[1]} is larger than {MAX_SIDE} per side")
    (height, width), (rows, columns) = before.shape[1:], size
    if rows > height or columns > width:
        raise UnfitError(f"a kernel of {rows}x{columns} does not fit a picture of {height}x{width}")
    outputs = tuple(map(output_length, before.shape[1:], map(Window, size)))
    if after.shape[1:] == outputs:
        return before, after
    if after.shape[1:] != (height, width):
        raise UnfitError(
            f"before is {height}x{width}, after {after.shape[1]}x{after.shape[2]}: they must "
            f"have one size, or after must be smaller by the kernel less one"
        )
    top, left = (rows - 1) // 2, (columns - 1) // 2
    return before, after[:, top : top + outputs[0], left : left + outputs[1]]


def fit(
    before: Array, after: Array, size: tuple[int, int], clip: tuple[float, float] | None = None
) -> Fitted:
    """The kernel and the bias that bring `before` nearest to `after`, by least squares.

    Where clipped samples leave too little, they are used after all. Of kernels that fit alike the
    smallest is taken, and `determined` is false.

    >>> before = np.random.default_rng(0).normal(size=(1, 9, 9))
    >>> after = before[:, 1:-1, 2:] - before[:, 1:-1, :-2]
    >>> fit(before, after, (3, 3)).kernels.round(9)[0, 0] + 0
    array([[ 0.,  0.,  0.],
           [-1.,  0.,  1.],
           [ 0.,  0.,  0.]])
    """
    fitted = solve(equations(before, after, size, clip))
    if clip is not None and not fitted.determined and fitted.equations.left_out:
        return solve(equations(before, after, size))
    return fitted


def solve(problem: Equations) -> Fitted:
    """The smallest of the best kernels, with the standard errors of ordinary least squares."""
    unknowns = len(problem.r)
    lengths = np.sqrt(np.square(problem.r).sum(axis=0))
    scale = np.where(lengths > DEPENDENT * max(lengths.max(), 1e-300), lengths, 1.0)
    left, strengths, right = np.linalg.svd(problem.r / scale)
    rank = int(np.count_nonzero(strengths > DEPENDENT * strengths[0])) if strengths[0] else 0
    inverse = right[:rank].T / strengths[:rank]
    answer = inverse @ (left[:, :rank].T @ problem.y) / scale[:, np.newaxis]
    squared_error = np.square(problem.r @ answer - problem.y).sum(axis=0) + problem.rest
    free = max(problem.used - rank, 1)
    if rank == unknowns:
        variances = np.square(inverse).sum(axis=1) / scale**2
        errors = np.sqrt(variances[:, np.newaxis] * squared_error / free)[:-1].T
    else:
        errors = np.full((len(squared_error), unknowns - 1), np.inf)
    shape = (len(squared_error), *problem.shape)
    kernels = answer[:-1].T.reshape(shape)
    spread = float(problem.spread.sum())
    return Fitted(
        kernels,
        answer[-1] - problem.mean * kernels.sum(axis=(1, 2, 3)),
        errors.reshape(shape),
        rank,
        unknowns,
        float(np.sqrt(squared_error.sum() / max(problem.used * len(squared_error), 1))),
        1 - float(squared_error.sum()) / spread if spread > 0 else 1.0,
        problem,
    )


class Moment(NamedTuple):
    """A moment of a descent: the steps before it, the loss, and the current kernels."""

    step: int
    loss: float
    """The mean squared error, in squared levels."""
    kernels: NDArray[np.floating]
    """(filters, channels, h, w); of a net, those of its first layer."""


def descend(problem: Equations, steps: int) -> Iterator[Moment]:
    """Gradient descent on the mean squared error from a kernel of zeros, every step of it.

    The gradient is that of all equations. The rate is 1 over the steepest curvature, with the
    momentum of Nesterov (1983), begun anew whenever the loss rises (O'Donoghue & Candès 2015).
    """
    count = max(problem.used, 1) * problem.y.shape[1]
    lengths = np.sqrt(np.square(problem.r).sum(axis=0))
    # the bias learns at the rate of a pixel, whatever their scales are
    scale = np.where(lengths > 0, lengths, 1.0)
    r = problem.r / scale
    floor = float(problem.rest.sum())
    rate = 1 / max(float(np.linalg.norm(r, 2)) ** 2, 1e-300)
    answer = ahead = np.zeros_like(problem.y)
    pace, last = 1.0, np.inf
    for step in range(steps + 1):
        loss = (float(np.square(r @ answer - problem.y).sum()) + floor) / count
        kernels = (answer / scale[:, np.newaxis])[:-1].T
        yield Moment(step, loss, kernels.reshape(-1, *problem.shape))
        if loss > last:
            pace, ahead = 1.0, answer
        last = loss
        moved = ahead - rate * (r.T @ (r @ ahead - problem.y))
        quicker = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead = moved + (pace - 1) / quicker * (moved - answer)
        answer, pace = moved, quicker
