"""What is reported of a batch: progress on a terminal, a line of summary, and the failures."""

import os
import sys
from json import dumps
from time import perf_counter
from typing import TYPE_CHECKING

from convcli.batch.jobs import Outcome
from convcli.images.io.atomic import write_file
from convcli.output import note, path
from convcli.text import counted, safe

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE = 1.0
"""Seconds before a progress bar is drawn."""


class Progress:
    """Counts outcomes, and draws how far they are where stderr is a terminal."""

    def __init__(self, total: int, quiet: bool = False) -> None:
        self.total, self.quiet = total, quiet
        self.done = self.skipped = self.unknown = 0
        self.failed: list[Outcome] = []
        self.interrupted = False
        self.folders: set[str] = set()
        self.started = perf_counter()
        self._bar: tuple[Bar, TaskID] | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.interrupted = kind is KeyboardInterrupt
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None

    def count(self, outcome: Outcome) -> None:
        """Take an outcome into account."""
        self.done += 1
        if outcome.status == "skipped":
            self.skipped += 1
            self.unknown += bool(outcome.notes)
        if outcome.status == "failed":
            self.failed.append(outcome)
        if sys.stderr.isatty() and self.total > 1:
            self._draw()

    def _draw(self) -> None:
        if self._bar is None:
            if perf_counter() - self.started < PATIENCE:
                return
            self._bar = _bar(self.total)
            self._bar[0].start()
        rate = self.done / (perf_counter() - self.started)
        bar, task = self._bar
        bar.update(task, completed=self.done, rate=f"{rate:,.1f}/s")

    def note(self, text: str) -> None:
        """A line for the reader, above the bar."""
        if self._bar is None:
            return note(text)
        from rich.text import Text

        self._bar[0].console.print(Text(safe(text, keep="\n")), soft_wrap=True)
        return None

    def path(self, name: str) -> None:
        """The path of a result, on stdout, at once; on a terminal the summary stands for many."""
        if self.total > 1 and sys.stdout.isatty():
            self.folders.add(os.path.dirname(name))
        else:
            path(name)
            sys.stdout.flush()

    def finish(self, report: str | None, listed: bool = True, resumable: bool = False) -> None:
        """The failures in a list, the summary, and the report: one JSON object per failure.

        An interrupted run says how much is done, and how to continue it if it is `resumable`.
        """
        for outcome in self.failed:
            if outcome.trace:
                sys.stderr.write(outcome.trace)
            if listed:
                note(f"Error: {outcome.error}")
        if self.interrupted and self.total > 1:
            hint = "; --resume continues" if resumable else ""
            note(f"interrupted: {self.done:,} of {self.total:,} done{hint}")
        elif not self.quiet and self.total > 1:
            note(self.summary())
        if report is not None:
            data = "".join(f"{dumps(outcome.report())}\n" for outcome in self.failed).encode()
            write_file(report, lambda stream: stream.write(data), force=True)

    def summary(self) -> str:
        """One line: the number of pictures, their outcomes, and the time."""
        took = perf_counter() - self.started
        filtered = self.done - self.skipped - len(self.failed)
        text = f"{filtered:,} of {counted(self.total, 'picture')} done"
        unknown = f" (recipe of {self.unknown:,} not known)" if self.unknown else ""
        text += f", {self.skipped:,} skipped{unknown}" if self.skipped else ""
        text += f", {len(self.failed):,} failed" if self.failed else ""
        text += f" in {took:.1f} s ({self.done / max(took, 1e-9):,.1f}/s)"
        if len(self.folders) > 1:  # of paths that were not printed
            text += f"; results are in {len(self.folders):,} folders"
        elif self.folders:
            text += f"; results are in {safe(*self.folders) or 'this folder'}"
        return text


def _bar(total: int) -> "tuple[Bar, TaskID]":
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True, markup=False, highlight=False, emoji=False),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    return bar, bar.add_task("", total=total, rate="")
