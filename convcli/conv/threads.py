"""Every core at work: pieces of a convolution over threads, each with single-threaded products.

Threads over bands, with one BLAS thread each, keep a band in its core's cache; BLAS's own threads
split products that are too small to split (tests/benchmarks/layers.py measures the difference).
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Piece = TypeVar("Piece")

SHARED_MACS = 20_000_000
"""Multiply–accumulates of a product that take a third of a millisecond on one core; waking a
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
        helpers = [_pool().submit(work, _taken(left)) for _ in range(helping)]
        try:
            work(_taken(left))
        finally:
            left.clear()
            # one that never started, because other callers keep the pool busy, need not start
            late = [helper for helper in helpers if not helper.cancel()]
            for helper in late:
                helper.result()


def worth_threads(macs: int) -> bool:
    """Whether a number of multiply–accumulates is worth waking a sleeping thread for."""
    return macs > SHARED_MACS


def threads() -> int:
    """Threads that `share` would use: as many as BLAS may, else one a core."""
    with single_threaded_blas() as count:
        return count


def _taken(pieces: deque[Piece]) -> Iterator[Piece]:
    while True:
        try:
            yield pieces.popleft()
        except IndexError:
            return


class Blas(Protocol):
    """A BLAS library in this process."""

    def get_num_threads(self) -> int: ...

    def set_num_threads(self, num_threads: int) -> None: ...


_lock = Lock()
_sharing = 0
_before: list[tuple[Blas, int]] = []
_controllers: list[Blas] | None = None
_executor: "ThreadPoolExecutor | None" = None


@contextmanager
def single_threaded_blas() -> Iterator[int]:
    """Hold BLAS to one thread until the last of those who ask for it is done.

    Gives the number of threads it had. BLAS has one number per process, hence the count of those
    who share it: two callers that each restored what they found could leave it at one for good.
    """
    global _sharing
    with _lock:
        _sharing += 1
        if _sharing == 1:
            _before[:] = [(blas, blas.get_num_threads()) for blas in _blas()]
            for blas, _ in _before:
                blas.set_num_threads(1)
        numbers = [number for _, number in _before]
        count = max(numbers) if numbers else os.cpu_count() or 1  # which reads a file
    try:
        yield count
    finally:
        with _lock:
            _sharing -= 1
            if _sharing == 0:
                for blas, number in _before:
                    blas.set_num_threads(number)


def _blas() -> list[Blas]:
    """The BLAS libraries in this process that can be told how many threads to use."""
    global _controllers
    if _controllers is None:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

        controller = ThreadpoolController().select(user_api="blas")
        _controllers = list(controller.lib_controllers)
    return _controllers


def _pool() -> "ThreadPoolExecutor":
    global _executor
    if _executor is None:
        from concurrent.futures import ThreadPoolExecutor

        _executor = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="convcli")
    return _executor


def _forget() -> None:
    """A forked child has none of its parent's threads, and its lock may be held for ever."""
    global _executor, _lock, _sharing
    if _sharing:
        for blas, number in _before:
            blas.set_num_threads(number)
    _executor, _lock, _sharing = None, Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
