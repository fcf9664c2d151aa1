"""Our NamedTuple against that of `typing`: the same class written with each behaves the same."""

import copy
import inspect
import pickle
import typing

import pytest

from convcli import records


class Size(records.NamedTuple):
    """A size."""

    height: int
    width: int = 3
    names: tuple[str, ...] = ()

    @property
    def area(self) -> int:
        return self.height * self.width

    def wider(self) -> "Size":
        return self._replace(width=self.width + 1)


Ours = Size


class Size(typing.NamedTuple):  # type: ignore[no-redef]
    """A size."""

    height: int
    width: int = 3
    names: tuple[str, ...] = ()

    @property
    def area(self) -> int:
        return self.height * self.width

    def wider(self) -> "Size":
        return self._replace(width=self.width + 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: kind(2),
        lambda kind: repr(kind(2, names=("a",))),
        lambda kind: kind(width=4, height=2).area,
        lambda kind: kind(2).wider().wider(),
        lambda kind: kind(2)._asdict(),
        lambda kind: kind._make([1, 2, ()]),
        lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__, kind.__doc__),
        lambda kind: typing.get_type_hints(kind),
        lambda kind: (kind(2) == (2, 3, ()), hash(kind(2)) == hash((2, 3, ())), kind(2) < (3,)),
        lambda kind: copy.copy(kind(2, 5)),
        lambda kind: copy.deepcopy(kind(2, 5)),
        lambda kind: str(inspect.signature(kind(2).__class__.__new__)),
        lambda kind: [*kind(2), len(kind(2)), kind(2)[-2], isinstance(kind(2), tuple)],
    ],
)
def test_the_same_is_made(ask):
    assert ask(Ours) == ask(Size)


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: kind(),
        lambda kind: kind(1, 2, (), 4),
        lambda kind: kind(1, height=2),
        lambda kind: kind(1, depth=2),
        lambda kind: setattr(kind(1), "width", 2),
        lambda kind: setattr(kind(1), "depth", 2),
    ],
)
def test_the_same_is_refused(ask):
    errors = []
    for kind in (Ours, Size):
        with pytest.raises((TypeError, AttributeError)) as error:
            ask(kind)
        errors.append(error.type)
    assert errors[0] is errors[1]


def test_matching_and_workers():
    match Ours(3, 1):
        case Ours(height, width=1):
            assert height == 3
    from convcli.sizes import InputSize

    size = InputSize((3, 4), True, dtype="long")
    assert pickle.loads(pickle.dumps(size)) == size
    assert type(pickle.loads(pickle.dumps(size))) is InputSize
