"""One time limit for reading a network and for searching its inputs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from convcli.records import NamedTuple

MAX_SECONDS = 4
"""Processor time of a reading and its first run, and of a search, unless an option sets more."""


class Limit(NamedTuple):
    """Seconds of processor time; the bounds on steps and nodes grow with them."""

    seconds: float
    option: str = ""
    """The option that sets the limit, if there is one."""

    def scaled(self, bound: int) -> int:
        """A bound on steps that holds for `MAX_SECONDS`, for this limit.

        >>> Limit(40).scaled(2_000_000)
        20000000
        """
        return round(bound * max(self.seconds / MAX_SECONDS, 1))

    @property
    def way_out(self) -> str:
        """What raises the limit, as the end of a sentence."""
        return f"; {self.option} {10 * self.seconds:g} allows more" if self.option else ""


_limit: ContextVar[Limit | None] = ContextVar("limit", default=None)


def limit() -> Limit:
    """The current limit."""
    return _limit.get() or Limit(MAX_SECONDS)


@contextmanager
def time_limit(seconds: float | None, option: str = "--timeout") -> Iterator[None]:
    """Set another limit within a block; None keeps `MAX_SECONDS`, which the option may raise.

    >>> with time_limit(60):
    ...     limit().seconds
    60
    """
    token = _limit.set(Limit(MAX_SECONDS if seconds is None else seconds, option))
    try:
        yield
    finally:
        _limit.reset(token)
