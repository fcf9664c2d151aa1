"""The curve of a loss and the kernels that are learned, on a terminal; in a pipe, lines.

All of it goes to stderr; stdout is for the result.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from math import ceil, log10
from time import monotonic, sleep
from typing import TYPE_CHECKING

from convcli.fitting.least_squares import Moment
from convcli.output import note

if TYPE_CHECKING:
    from rich.text import Text

Kernel = Sequence[Sequence[float]]


FRAMES = 72
"""Moments that are shown, closer together at the start, where most happens."""

PAUSE = 1 / 18
"""Seconds from one to the next, at least."""

WIDTH, HEIGHT = 60, 9
"""Columns and lines of the curve."""

BLOCKS = " ▁▂▃▄▅▆▇█"


def schedule(steps: int, count: int = FRAMES) -> list[int]:
    """Steps to show: 0, then at growing distances, and the last.

    >>> schedule(1000, 7)
    [0, 1, 3, 10, 32, 100, 316, 1000]
    """
    last = log10(max(steps, 1))
    return sorted({0, *(round(10 ** (last * part / (count - 1))) for part in range(count)), steps})


def watch(
    moments: Iterator[Moment], steps: int, title: str, kernels: Callable[[Moment], Sequence[Kernel]]
) -> list[float]:
    """Run through all moments, print or draw some, and return their losses.

    `kernels` gives what is drawn beside the curve.
    """
    if not sys.stderr.isatty():
        losses = []
        scheduled = set(schedule(steps, 12))
        for moment in moments:
            losses.append(moment.loss)
            if moment.step in scheduled:
                note(f"step {moment.step}: loss {moment.loss:.6g}")
        return losses
    return _live(moments, steps, title, kernels)


def _live(
    moments: Iterator[Moment], steps: int, title: str, kernels: Callable[[Moment], Sequence[Kernel]]
) -> list[float]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    scheduled, losses, points = set(schedule(steps)), [], []
    with Live(console=console, auto_refresh=False) as live:
        last = 0.0
        for moment in moments:
            losses.append(moment.loss)
            if moment.step in scheduled or monotonic() - last > 0.25:
                points.append((moment.step, moment.loss))
                live.update(picture(title, points, steps, kernels(moment)), refresh=True)
                sleep(max(0.0, PAUSE - (monotonic() - last)))
                last = monotonic()
    return losses


def picture(
    title: str, points: Sequence[tuple[int, float]], steps: int, kernels: Sequence[Kernel]
) -> "Text":
    """The curve so far and the kernels as they are, for a terminal."""
    from rich.text import Text

    step, loss = points[-1]
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{title}   step {step:,} of {steps:,}   loss {loss:.6g}\n", "bold")
    for line in curve([loss for _, loss in points]):
        text.append(line + "\n", "cyan")
    text.append(f"{'':9}└{'─' * WIDTH}\n", "dim")
    text.append(
        f"{'':10}step 0 to {step:,}, ever further apart; the loss in powers of ten\n", "dim"
    )
    for number, kernel in enumerate(kernels):
        if number:
            text.append("\n")
        text.append_text(heat(kernel))
    return text


def curve(losses: Sequence[float]) -> list[str]:
    """Losses as bars of a logarithmic height, their largest and smallest at the side.

    >>> [line[:13] for line in curve([100.0, 10.0, 1.0])][0], len(curve([1.0]))
    ('      100│█  ', 9)
    """
    tiny = max(max(losses) * 1e-16, 1e-300)
    heights = [log10(max(loss, tiny)) for loss in losses]
    low, high = min(heights), max(heights)
    span = max(high - low, 1e-9)
    stretch = [heights[ceil((c + 1) * len(heights) / WIDTH) - 1] for c in range(WIDTH)]
    bars = heights if len(heights) <= WIDTH else stretch
    eighths = [1 + round((bar - low) / span * (HEIGHT * 8 - 1)) for bar in bars]
    lines = []
    for row in reversed(range(HEIGHT)):
        label = f"{10**high:.3g}" if row == HEIGHT - 1 else f"{10**low:.3g}" if row == 0 else ""
        signs = "".join(BLOCKS[min(max(eighth - 8 * row, 0), 8)] for eighth in eighths)
        lines.append(f"{label:>9}│{signs}")
    return lines


def heat(kernel: Kernel) -> "Text":
    """Weights on blue backgrounds below zero and red ones above, stronger further from zero."""
    from rich.text import Text

    strongest = max((abs(weight) for row in kernel for weight in row), default=0) or 1.0
    text = Text(no_wrap=True)
    for row in kernel:
        for weight in row:
            level = round(abs(weight) / strongest * 200)
            faint = 255 - level
            color = f"rgb({faint},{faint},255)" if weight < 0 else f"rgb(255,{faint},{faint})"
            text.append(f"{weight:8.4f} ", f"black on {color}")
        text.append("\n")
    return text
