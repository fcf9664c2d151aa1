"""The arguments of a layer's call, checked and normalized to one form."""

from collections.abc import Callable
from typing import TypeVar

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.geometry import MAX_SIZE, PADDINGS, Padding, Pair, padding_name

T = TypeVar("T")


def count(value: object, name: str, minimum: int = 1) -> int:
    """An integer from `minimum` to MAX_SIZE; an integer float (2.0) is accepted."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(f"{name} must be a whole number, not {brief(value)}")
    if not minimum <= value <= MAX_SIZE:
        raise SpecError(f"{name} must be from {minimum} to {MAX_SIZE:,}, not {brief(value)}")
    return value


def flag(value: object, name: str) -> bool:
    """True or False, also as a lower-case word or a number; any other word is refused.

    >>> flag("false", "bias"), flag(1, "bias")
    (False, True)
    """
    if value is None or isinstance(value, int | float):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise SpecError(f"{name} must be True or False, not {brief(value)}")


def factor(value: object, name: str) -> float:
    """A scale factor: a number above 0, integer or not."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SIZE:
        raise SpecError(f"{name} must be a number above 0, not {brief(value)}")
    return value


def number(value: object, name: str) -> float:
    """A finite number, integer or not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{name} must be a number, not {brief(value)}")
    if not abs(value) <= MAX_SIZE:
        raise SpecError(f"{name} must be from -{MAX_SIZE:,} to {MAX_SIZE:,}, not {brief(value)}")
    return float(value)


def number_or(value: object, default: float) -> float:
    """A number that changes no shape; one known only by running the text becomes the default."""
    return number(value, "a value") if type(value) in (int, float) else default


def maybe_count(value: object, name: str) -> int | None:
    return None if value is None else count(value, name)


def counts(value: object, axes: int, name: str, minimum: int = 1) -> tuple[int, ...]:
    """One number for every axis, or a sequence with one number per axis."""
    if not isinstance(value, tuple | list):
        return (count(value, name, minimum),) * axes
    if len(value) == 1:
        value = tuple(value) * axes
    if len(value) != axes:
        raise SpecError(f"{name} must be 1 or {axes} numbers, not {len(value)}")
    return tuple(count(number, name, minimum) for number in value)


def sizes(value: object, name: str) -> tuple[int, ...]:
    """Sizes of a new shape, at most one of which is -1: what is left."""
    given = value if isinstance(value, tuple | list) else (value,)
    lengths = tuple(size if size == -1 else count(size, name) for size in given)
    if not lengths or lengths.count(-1) > 1:
        raise SpecError(f"{name}={brief(value)} needs sizes, at most one of them -1")
    return lengths


def pads(value: object, axes: int, name: str = "padding", minimum: int = 0) -> tuple[Padding, ...]:
    """A number, one per axis, a pair (before, after) per axis, or a name of PADDINGS."""
    if isinstance(value, str):
        named = padding_name(value)
        if named is None:
            raise SpecError(f"{name}={brief(value)} is none of {', '.join(PADDINGS)}, nor a number")
        return (named,) * axes
    if isinstance(value, tuple | list) and any(isinstance(sides, tuple | list) for sides in value):
        if len(value) != axes:
            raise SpecError(f"{name} must hold {axes} pairs, not {len(value)}")
        return tuple(_pair(sides, name, minimum) for sides in value)
    return tuple((pad, pad) for pad in counts(value, axes, name, minimum))


def cells(value: object, axes: int, name: str, minimum: int = 0) -> tuple[Pair, ...]:
    """A number of cells, one per axis, or a pair (before, after) per axis."""
    if isinstance(value, str):
        raise SpecError(f"{name}={brief(value)} must be numbers here")
    return tuple(sides for sides in pads(value, axes, name, minimum) if not isinstance(sides, str))


def _pair(value: object, name: str, minimum: int) -> tuple[int, int]:
    before, after = counts(value, 2, name, minimum)
    return before, after


def plain(layer: T) -> Callable[..., T]:
    """A builder for a layer whose values (inplace, p, dim, …) change no shape and no count."""

    def build(*args: object, **options: object) -> T:
        return layer

    return build
