"""Results that print themselves, in a terminal and in a notebook."""

import os
from html import escape
from typing import TYPE_CHECKING

from convcli.errors import UnfitError
from convcli.numerals import Stack
from convcli.output import plain_lines
from convcli.tables import Record, TextResult, data_frame, named_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from convcli.app.lessons import Answer, ExplainOptions
    from convcli.fitting.results import FittedKernel
    from convcli.images.kernels.kernel import Kernel


class Printed:
    """A result with the text, the rows and the record that its command prints."""

    def __init__(self, result: TextResult) -> None:
        self._result = result

    def rows(self) -> list[dict[str, object]]:
        """The rows of the table, values by the names of their columns."""
        return named_rows(self._result)

    def to_pandas(self) -> "DataFrame":
        """The rows as a data frame of pandas, which is imported for it."""
        return data_frame(self._result)

    def record(self) -> Record:
        """What `--format json` prints."""
        return self._result.record()

    def __str__(self) -> str:
        return "\n".join(plain_lines(self._result.lines()))

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


class Explanation(Printed):
    """An operation, step by step: `print` shows the text of `convcli explain`."""

    def __init__(self, answer: "Answer", options: "ExplainOptions") -> None:
        assert answer.lesson is not None  # which only pages of networks lack
        super().__init__(answer.lesson)
        self._answer, self._options = answer, options

    @property
    def output(self) -> Stack:
        """The output, one grid of exact numbers (or letters) per channel.

        Raises UnfitError for a lesson without a sliding window.
        """
        if self._answer.walk is None:
            raise UnfitError(f"{self._options.kind.what} has no output of windows")
        return self._answer.walk.output()

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float | None = None,
        theme: str | None = None,
        force: bool = False,
    ) -> None:
        """Write the animation, the picture or the page of the lesson, as the path ends.

        Raises OutputError for a file that exists, without `force`, and UnfitError for a lesson
        that has nothing to draw.
        """
        from convcli.app.explain import check_output, save_lesson
        from convcli.app.lessons import ExplainOptions, lesson_of

        target = os.fspath(path)
        drawing = {"fps": fps, "theme": theme, "force": force, "output": target}
        options = ExplainOptions(**vars(self._options) | drawing)
        answer = lesson_of(options)  # a page has data of its own
        check_output(options, answer)
        save_lesson(answer, target, options)

    def __repr__(self) -> str:
        if self._answer.walk is None:
            return f"<{self._options.kind.what}, explained>"
        from convcli.explanation.lesson import sentence

        return f"<{sentence(self._answer.walk)}>"


class Fit(Printed):
    """The kernel that turned one picture into another, and how well the pair determines it."""

    def __init__(self, result: "FittedKernel") -> None:
        super().__init__(result)
        self._fitted = result

    @property
    def kernels(self) -> "NDArray[np.float64]":
        """Weights (filters, channels, rows, columns), as drawn."""
        return self._fitted.fitted.kernels

    @property
    def kernel(self) -> "Kernel":
        """The kernel of a pair with one kernel, for `filter_image`.

        Raises UnfitError where each channel has a kernel of its own.
        """
        from convcli.images.kernels.parse import kernel

        if self.kernels.shape[:2] != (1, 1):
            filters, channels = self.kernels.shape[:2]
            raise UnfitError(f"{filters} filters over {channels} channels are not one kernel")
        return kernel(self.kernels[0, 0])

    @property
    def bias(self) -> "NDArray[np.float64]":
        """What is added, in levels, one per filter."""
        return self._fitted.fitted.bias

    @property
    def errors(self) -> "NDArray[np.float64]":
        """The standard error of each weight, in the shape of the kernels."""
        return self._fitted.fitted.errors

    @property
    def residual(self) -> float:
        """The residual, in levels (root mean square)."""
        return self._fitted.fitted.residual

    @property
    def is_explained(self) -> bool:
        """Whether the residual is no more than rounding leaves."""
        return self._fitted.is_explained

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings: weights hardly determined, a residual that rounding does not explain."""
        return self._fitted.warnings

    def __repr__(self) -> str:
        rows, columns = self.kernels.shape[2:]
        return f"<kernel {rows}x{columns}, residual {self.residual:.4g} levels>"
