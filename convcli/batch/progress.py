"""What is told of a batch: progress on a terminal, a line of summary, and the failures."""

import sys
from json import dumps
from time import perf_counter
from types import TracebackType
from typing import Any

from convcli.batch.jobs import Outcome
from convcli.images.io.atomic import write_file
from convcli.output import note, path
from convcli.text import counted, safe

PATIENCE = 1.0
"""Seconds before a progress bar is drawn."""


class Teller:
    """Counts outcomes, and draws how far they are where stderr is a terminal."""

    def __init__(self, total: int, quiet: bool = False) -> None:
        self.total, self.quiet = total, quiet
        self.done = self.skipped = 0
        self.failed: list[Outcome] = []
        self.started = perf_counter()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "Teller":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def count(self, outcome: Outcome) -> None:
        """Take an outcome into account."""
        self.done += 1
        self.skipped += outcome.status == "skipped"
        if outcome.status == "failed":
            self.failed.append(outcome)
        if sys.stderr.isatty() and self.total > 1:
            self._draw()

    def _draw(self) -> None:
        if self._bar is None:
            if perf_counter() - self.started < PATIENCE:
                return
            self._bar, self._task = _bar(self.total)
            self._bar.start()
        rate = self.done / (perf_counter() - self.started)
        self._bar.update(self._task, completed=self.done, rate=f"{rate:,.1f}/s")

    def note(self, text: str) -> None:
        """A line for the reader, above the bar."""
        if self._bar is None:
            note(text)
        else:
            self._print(text)

    def path(self, name: str) -> None:
        """The path of a result, on stdout, at once."""
        if self._bar is not None and sys.stdout.isatty():
            self._print(safe(name))
        else:
            path(name)
            sys.stdout.flush()

    def _print(self, text: str) -> None:
        from rich.text import Text

        self._bar.console.print(Text(safe(text, keep="\n")), soft_wrap=True)

    def finish(self, report: str | None, listed: bool = True) -> None:
        """The failures in a list, the summary, and the report of failures as JSON lines."""
        for outcome in self.failed:
            if outcome.trace:
                sys.stderr.write(outcome.trace)
            if listed:
                note(f"Error: {outcome.error}")
        if not self.quiet and self.total > 1:
            note(self.summary())
        if report is not None:
            write_report(report, self.failed)

    def summary(self) -> str:
        """One line: how many, what became of them, how long it took."""
        took = perf_counter() - self.started
        made = self.done - self.skipped - len(self.failed)
        parts = [f"{made:,} of {counted(self.total, 'picture')} done"]
        parts += [f"{self.skipped:,} skipped"] if self.skipped else []
        parts += [f"{len(self.failed):,} failed"] if self.failed else []
        return f"{', '.join(parts)} in {took:.1f} s ({self.done / max(took, 1e-9):,.1f}/s)"


def _bar(total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    return bar, bar.add_task("", total=total, rate="")


def write_report(target: str, failed: list[Outcome]) -> None:
    """Write a JSON object a failure, a line each; no line where nothing failed."""

    data = "".join(f"{dumps(one.report())}\n" for one in failed).encode()
    write_file(target, lambda stream: stream.write(data), force=True)
