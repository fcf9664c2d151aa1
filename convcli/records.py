"""Records that are equal by type: a NamedTuple alone is equal to any tuple of the same values."""

from typing import TypeVar

Record = TypeVar("Record", bound=tuple[object, ...])


def equal_by_type(record: type[Record]) -> type[Record]:
    """Let records of a NamedTuple be equal to those of the same type alone.

    A dataclass would say so by itself, and takes 0.9 ms to define, a NamedTuple 0.05 ms.

    >>> from convcli.nets.layers import LocalContrastNorm, Shuffle
    >>> Shuffle(9) == Shuffle(9), Shuffle(9) == LocalContrastNorm(9), Shuffle(9) == (9,)
    (True, False, False)
    """
    for name, method in METHODS.items():
        setattr(record, name, method)
    return record


def _equal(self: tuple[object, ...], other: object) -> bool:
    return type(self) is type(other) and tuple.__eq__(self, other)


def _unequal(self: tuple[object, ...], other: object) -> bool:
    return type(self) is not type(other) or tuple.__ne__(self, other)


def _hash(self: tuple[object, ...]) -> int:
    return hash((type(self), tuple.__hash__(self)))


METHODS = {"__eq__": _equal, "__ne__": _unequal, "__hash__": _hash}
