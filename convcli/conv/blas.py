"""One BLAS thread while threads of ours run.

A module of its own, because finding the libraries takes 10 ms, which only products need.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

import numpy  # noqa: F401  # whose BLAS has to be there to be found
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


class Blas(Protocol):
    """A BLAS library in this process."""

    def get_num_threads(self) -> int: ...

    def set_num_threads(self, num_threads: int) -> None: ...


LIBRARIES: list[Blas] = ThreadpoolController().select(user_api="blas").lib_controllers
"""NumPy's, and those of other modules that were there before."""

_lock = Lock()
_sharing = 0
_before: list[tuple[Blas, int]] = []


@contextmanager
def single_threaded_blas() -> Iterator[int]:
    """Hold BLAS to one thread until the last of those who ask for it is done.

    Gives the number of threads it had. BLAS has one number per process, hence the count of those
    who share it: two callers that each restored what they read could leave it at one for good.
    """
    global _sharing
    with _lock:
        _sharing += 1
        if _sharing == 1:
            _before[:] = [(blas, blas.get_num_threads()) for blas in LIBRARIES]
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


def _forget() -> None:
    """The lock of a forked child may be held for ever by a thread that it does not have."""
    global _lock, _sharing
    if _sharing:
        for blas, number in _before:
            blas.set_num_threads(number)
    _lock, _sharing = Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
