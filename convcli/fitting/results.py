"""The results of a fit: kernels and how well they are known, or a trained net."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.fitting.least_squares import Fitted
from convcli.images.filters.plan import intensity_map
from convcli.images.filters.spec import Range
from convcli.images.kernels.parse import kernel
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import counted

Line = list[tuple[str, str]]

SCHEMA = 1

STYLES = {"": "", "head": "bold", "w": "magenta", "note": "dim", "good": "green", "bad": "bold red"}

ROUNDINGS = 1.2
"""Ratio of residual to rounding error above which a warning is printed."""

EXACT = 1e-6
"""A residual below this share of the spread is rounding of floats."""

LINEAR = 0.9
"""A share of the variance below which a pair is said to be no convolution."""


class FittedKernel(NamedTuple):
    """The kernels of a pair of pictures."""

    fitted: Fitted
    descent: tuple[int, float] | None = None
    """Steps of a descent that was watched, and its last loss."""
    step: float = 0.0
    """The distance between two levels of the result; 0 where it holds floats."""

    @property
    def rounding(self) -> float:
        """The residual, in levels, that rounding to samples leaves: that of even noise, Δ/√12."""
        return self.step / 12**0.5

    @property
    def is_explained(self) -> bool:
        """Whether the residual is at most a few times that of rounding."""
        spread = float(
            np.sqrt(self.fitted.equations.spread.sum() / max(self.fitted.equations.used, 1))
        )
        return self.fitted.residual <= max(ROUNDINGS * self.rounding, EXACT * spread)

    def check(self, is_printed: bool = False) -> None:
        """Raise UnfitError where many kernels fit as well, shortly where the verdict is printed."""
        if not self.fitted.determined:
            raise UnfitError(
                "not determined; try a picture with more detail" if is_printed else self.verdict
            )

    @property
    def value(self) -> str:
        return kernel_text(self.fitted.kernels)

    @property
    def warnings(self) -> tuple[str, ...]:
        fitted = self.fitted
        warnings = []
        if fitted.barely:
            warnings.append(
                f"barely determined: a weight may be off by {float(fitted.errors.max()):.2g}; "
                "other kernels fit almost as well"
            )
        if fitted.explained < LINEAR:
            warnings.append(
                f"the best kernel explains {100 * fitted.explained:.1f} % of the result: the "
                "pair is not a single convolution of this size (a magnitude, a clip, a larger "
                "kernel?)"
            )
        elif not self.is_explained:
            rows, columns = fitted.equations.shape[1:]
            larger = f"the kernel is larger than {rows}x{columns} (try --size auto), or "
            why = f"rounding explains {self.rounding:.2g}" if self.step else "floats leave none"
            warnings.append(
                f"residual {fitted.residual:.3g} levels, {why}: "
                f"{larger if rows == columns == 3 else ''}a picture lost detail, as in JPEG, or "
                f"the change was more than one kernel"
            )
        return tuple(warnings)

    def filter_options(self, step: float) -> str:
        """The options that `filter` needs beside the kernel's file, "" where it needs none.

        `step` is a sample's worth in levels, 0 for arrays. A kernel that looks like a gradient is
        printed scaled and without its sign, unless --range clip keeps its responses.
        """
        kernels = self.fitted.kernels
        if kernels.shape[:2] != (1, 1):
            return ""  # filter takes one matrix
        bias = float(self.fitted.bias[0]) / (step or 1)
        # what is below a millionth of a level is rounding
        words = [f"--bias {bias:.12g}"] if abs(bias) > 1e-6 else []
        fitted = kernel(kernel_text(kernels))
        if intensity_map(fitted, Range(), 255) != intensity_map(fitted, Range("clip"), 255):
            words.append("--range clip")
        return " ".join(words)

    @property
    def caption(self) -> str:
        """The residual, and what it is of."""
        fitted = self.fitted
        problem = fitted.equations
        clipped = f", {problem.left_out:,} clipped ones left out" if problem.left_out else ""
        return (
            f"residual {fitted.residual:.4g} levels (root mean square) over "
            f"{problem.used:,} of {problem.pixels:,} windows{clipped}; "
            f"explains {100 * fitted.explained:.4f} %"
        )

    @property
    def verdict(self) -> str:
        fitted = self.fitted
        if not fitted.determined:
            return (
                f"not determined: the picture's windows fix {fitted.rank} of "
                f"{counted(fitted.unknowns, 'unknown')}; many kernels fit as well"
            )
        return (
            f"determined: {counted(fitted.unknowns, 'unknown')}, the standard error of a weight is "
            f"at most {float(fitted.errors.max()):.2g}"
        )

    def table(self) -> Table:
        fitted = self.fitted
        rows: list[tuple[object, ...]] = []
        for (f, c, i, j), weight in np.ndenumerate(fitted.kernels):
            error = float(fitted.errors[f, c, i, j])
            rows.append((f, c, i, j, float(weight), error if fitted.determined else "-"))
        return ("filter", "channel", "row", "column", "weight", "error"), rows, ()

    def record(self) -> dict[str, object]:
        fitted = self.fitted
        problem = fitted.equations
        record = {
            "schema": SCHEMA,
            "kernels": fitted.kernels.tolist(),
            "bias": fitted.bias.tolist(),
            "errors": fitted.errors.tolist() if fitted.determined else None,
            "determined": fitted.determined,
            "rank": fitted.rank,
            "unknowns": fitted.unknowns,
            "residual": fitted.residual,
            "explained": fitted.explained,
            "rounding": self.rounding,
            "windows": problem.used,
            "clipped": problem.left_out,
            "warnings": list(self.warnings),
        }
        if self.descent:
            record["descent"] = {"steps": self.descent[0], "loss": self.descent[1]}
        return record

    def lines(self) -> Iterator[Line]:
        fitted = self.fitted
        filters, channels, rows, columns = fitted.kernels.shape
        for f in range(filters):
            for c in range(channels):
                of = [f"filter {f}"] * (filters > 1) + [f"channel {c}"] * (channels > 1)
                yield [(f"kernel {rows}x{columns} {', '.join(of)}".rstrip(), "head")]
                for row in _figures(fitted.kernels[f, c]):
                    yield [("  ", ""), (row, "w")]
            yield [("bias ", "head"), (f"{fitted.bias[f]:.6g}", "w"), (" levels", "note")]
        yield [(self.verdict, "good" if fitted.determined and self.is_explained else "bad")]
        yield [(self.caption, "")]
        if self.descent:
            steps, loss = self.descent
            minimum = fitted.residual**2
            yield [
                (
                    f"gradient descent: loss {loss:.6g} after {counted(steps, 'step')}; "
                    f"least squares {minimum:.6g}",
                    "note",
                )
            ]
        for warning in self.warnings:
            yield [(warning, "bad")]


def _figures(kernel: NDArray[np.float64]) -> Iterator[str]:
    """Rows of weights under each other, to six decimals; what rounds to nothing has no sign.

    >>> list(_figures(np.array([[-1e-9, 1.0]])))
    ['  0.000000   1.000000']
    """
    for row in kernel:
        yield " ".join(f"{round(weight, 6) + 0.0:10.6f}" for weight in row.tolist())


def kernel_text(kernels: NDArray[np.float64]) -> str:
    """Rows of numbers, as `filter -k @kernel.txt` reads them; kernels apart by an empty line,
    or by `|` where they are single rows.

    >>> print(kernel_text(np.array([[[[0.25, -1e-20], [1, 2]]]])))
    0.25 0
    1 2
    """
    blocks = []
    for matrix in kernels.reshape(-1, *kernels.shape[2:]):
        # what is 14 digits below the largest weight is rounding
        floor = float(np.abs(matrix).max()) * 1e-14
        rows = [
            " ".join(f"{weight:.12g}" if abs(weight) > floor else "0" for weight in row)
            for row in matrix.tolist()
        ]
        blocks.append("\n".join(rows))
    return ("\n\n" if kernels.shape[2] > 1 else "\n|\n").join(blocks)


class TrainedNet(NamedTuple):
    """A net trained on a pair: its weights, and the loss over the whole pictures."""

    weights: Mapping[str, NDArray[Any]]
    before: float
    after: float
    steps: int
    seed: int

    @property
    def value(self) -> str:
        return f"{self.after:.6g}"

    @property
    def caption(self) -> str:
        times = self.before / self.after if self.after else float("inf")
        return (
            f"loss {self.before:.6g} → {self.after:.6g} squared levels ({times:.0f} times less), "
            f"residual {self.after**0.5:.4g} levels; {counted(self.steps, 'step')}, "
            f"seed {self.seed}"
        )

    def table(self) -> Table:
        rows = [
            (name, "x".join(map(str, array.shape)), float(array.mean()), float(array.std()))
            for name, array in self.weights.items()
        ]
        return ("weights", "shape", "mean", "spread"), rows, ()

    def record(self) -> dict[str, object]:
        return {
            "schema": SCHEMA,
            "loss": {"before": self.before, "after": self.after},
            "steps": self.steps,
            "seed": self.seed,
            "weights": {name: array.tolist() for name, array in self.weights.items()},
        }

    def lines(self) -> Iterator[Line]:
        yield [("trained by backpropagation", "head")]
        for name, shape, mean, spread in self.table()[1]:
            yield [
                ("  ", ""),
                (f"{name}", "w"),
                (f"  {shape}  mean {mean:.4g}, spread {spread:.4g}", ""),
            ]
        yield [(self.caption, "good")]
