"""Every core at work: pieces of a convolution over threads, each with single-threaded products.

Threads over bands, with one BLAS thread each, keep a band in its core's cache; BLAS's own threads
split products that are too small to split (tests/benchmarks/layers.py measures the difference).
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

from convcli.conv.blas import single_threaded_blas

Piece = TypeVar("Piece")

SHARED_MACS = 20_000_000
"""Multiply–accumulates worth a second thread: a third of a millisecond on one core; waking a
thread takes 0.03 ms where a core is idle, 0.16 on virtual cores of tests/benchmarks/layers.py."""


def share(
    pieces: list[Piece],
    work: Callable[[Iterator[Piece]], None],
    threaded: bool = True,
) -> None:
    """Run `work` on as many threads as BLAS may use, until all pieces are done.

    Each thread calls `work` once, with an iterator over the pieces that no other thread took, so
    that a buffer made before the first piece serves all pieces of a thread. The calling thread is
    one of them. While they run, BLAS uses one thread in the whole process; its own number, and
    with it any limit the caller set, holds again afterwards.

    Not `threaded`, the calling thread does it all.
    """
    with single_threaded_blas() as threads:
        left = deque(pieces)
        helping = min(threads, len(pieces)) - 1 if threaded else 0
        helpers = [Task(lambda: work(_taken(left))) for _ in range(helping)]
        _begin(helpers)
        try:
            work(_taken(left))
        finally:
            left.clear()
            for helper in helpers:
                helper.finish()


def threads() -> int:
    """Threads that `share` would use: as many as BLAS may, else one per core."""
    with single_threaded_blas() as count:
        return count


def _taken(pieces: deque[Piece]) -> Iterator[Piece]:
    while True:
        try:
            yield pieces.popleft()
        except IndexError:
            return


class Task:
    """A call for a helping thread, unless it is finished before one comes to it."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.error: BaseException | None = None
        self.claimed, self.running = Lock(), Lock()
        self.running.acquire()

    def run(self) -> None:
        if not self.claimed.acquire(blocking=False):
            return
        try:
            self.call()
        except BaseException as error:  # raised where the task is finished
            self.error = error
        finally:
            self.running.release()

    def finish(self) -> None:
        """Wait for it, if it began: other callers may keep all threads busy. Raises its error."""
        if self.claimed.acquire(blocking=False):
            return
        self.running.acquire()
        if self.error:
            raise self.error


# concurrent.futures has all of it, and takes as long to import as a layer to compute
_tasks: "SimpleQueue[Task]" = SimpleQueue()
_helpers: list[Thread] = []


def _begin(tasks: list[Task]) -> None:
    """Hand tasks to waiting threads, as many as the most that were ever needed at once."""
    for task in tasks:
        _tasks.put(task)
    while len(_helpers) < len(tasks):
        helper = Thread(target=_serve, args=(_tasks,), name="convcli", daemon=True)
        _helpers.append(helper)
        helper.start()


def _serve(tasks: "SimpleQueue[Task]") -> None:
    while True:
        tasks.get().run()


def _forget() -> None:
    """A forked child has none of its parent's threads."""
    global _tasks
    _tasks = SimpleQueue()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
