"""The patterns of `einops`: rearrange, reduce and repeat, as functions and as layers.

A pattern names axes: `b (h p) w c -> b h w (p c)`; those in parentheses lie in one axis of the
tensor (Rogozhnikov 2022).
"""

import math
import re
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.readers.python.language.objects import (
    Halt,
    Object,
    Raised,
    Tensor,
    Unfit,
    class_of,
    natives,
)
from convcli.nets.readers.python.torch import indexing, matmul, shape_ops, tensor_args
from convcli.nets.readers.python.torch.nn_module import MODULE

Groups = list[list[str]]

REDUCTIONS = ("min", "max", "sum", "mean", "prod", "any", "all")
"""What `reduce` takes by name."""

DOTS = "(...)"
"""An ellipsis that stands alone: axes of their own, not several in one."""


def groups_of(text: str) -> Groups:
    """The axes of one side of a pattern, those of a parenthesis together.

    >>> groups_of("b (h p) c 1")
    [['b'], ['h', 'p'], ['c'], []]
    """
    if re.sub(r"[^()]", "", text).replace("()", "") or re.search(r"[^\w\s().]", text):
        raise Raised("ValueError", f"{shown(text.strip())} is no side of a pattern of einops")
    found: Groups = []
    for group, name in re.findall(r"\(([^()]*)\)|([^\s()]+)", text):
        if name:
            found.append([] if name == "1" else [DOTS if name == "..." else name])
        else:
            found.append([one for one in group.split() if one != "1"])
    return found


def _checked(kind: str, first: Groups, last: Groups, lengths: dict[str, int]) -> None:
    """Refuse, as einops does, a pattern whose sides do not have the axes that a verb takes."""
    left, right = ([name for group in side for name in group] for side in (first, last))
    for names in (left, right):
        twice = next((one for one in names if names.count(one) > 1 and not one.isdigit()), None)
        if twice is not None:
            raise Unfit(f"{kind}: {twice} stands twice on one side of the pattern")
    alone = [("left", left, right)] if kind != "reduce" else []
    alone += [("right", right, left)] if kind != "repeat" else []
    for side, own, other in alone:
        name = next((one for one in own if one not in other or one.isdigit()), None)
        if name is not None:
            name = "..." if name.startswith(".") else name
            raise Unfit(f"{kind}: {name} stands on the {side} side of the pattern alone")
    unused = next((one for one in lengths if one not in (*left, *right)), None)
    if unused is not None:
        raise Unfit(f"{kind}: a length is given for {unused}, which is not in the pattern")


def sizes_in(shape: tuple[int, ...], groups: Groups, known: dict[str, int]) -> dict[str, int]:
    """The length of every named axis. Raises Unfit where the shape does not have them."""
    if len(groups) != len(shape):
        raise Unfit(f"a pattern of {len(groups)} axes meets {shown(shape)}")
    sizes = dict(known)
    for group, length in zip(groups, shape, strict=True):
        open_ = [name for name in group if name not in sizes and not name.isdigit()]
        given = math.prod(
            int(name) if name.isdigit() else sizes[name] for name in group if name not in open_
        )
        if len(open_) > 1:
            raise Unfit(f"the lengths of {', '.join(open_)} are not known")
        if given == 0 or length % given or (not open_ and given != length):
            raise Unfit(f"an axis of {length} is not ({' '.join(group)}) of {given}")
        if open_:
            sizes[open_[0]] = length // given
    return sizes


def transform(machine: Any, kind: str, x: Any, pattern: Any, lengths: dict[str, Any]) -> Tensor:
    """A tensor rearranged, reduced or repeated by a pattern."""
    if isinstance(x, list | tuple):
        x = indexing.stack(machine, x)
    x = tensor_args.tensor_of(machine, x)
    if not isinstance(pattern, str) or "->" not in pattern:
        raise Raised("ValueError", f"{shown(pattern)} is no pattern of einops")
    left, _, right = pattern.partition("->")
    known = {name: tensor_args.whole(machine, size) for name, size in lengths.items()}
    first, last = groups_of(left), groups_of(right)
    if [DOTS] in first:
        dots = [f".{i}" for i in range(len(x.shape) - len(first) + 1)]
        place = first.index([DOTS])
        first[place : place + 1] = [[one] for one in dots]
        flat: Groups = []
        for group in last:
            if group == [DOTS]:
                flat += [[one] for one in dots]
            else:
                flat.append([n for one in group for n in (dots if one == "..." else [one])])
        last = flat
    elif [DOTS] in last:
        raise Unfit(f"{kind}: ... stands on the right side of the pattern alone")
    _checked(kind, first, last, known)
    sizes = sizes_in(
        x.shape, first, {key: size for key, size in known.items() if _stands(key, first)}
    )
    sizes |= known
    sizes |= {one: int(one) for group in last for one in group if one.isdigit()}
    missing = [name for group in last for name in group if name not in sizes]
    if missing:
        raise Unfit(f"the length of {missing[0]} is not known")
    gives = tuple(math.prod(sizes[name] for name in group) for group in last)
    names = [name for group in first for name in group], [name for group in last for name in group]
    if kind == "rearrange" and names[0] == names[1]:
        return shape_ops.reshape(machine, x, gives)  # type: ignore[no-any-return]
    return tensor_args.operation(machine, kind, [x], gives, pattern, tuple(sorted(known.items())))


def _stands(name: str, groups: Groups) -> bool:
    return any(name in group for group in groups)


def rearrange(machine: Any, x: Any, pattern: Any, /, **lengths: Any) -> Tensor:
    return transform(machine, "rearrange", x, pattern, lengths)


def repeat(machine: Any, x: Any, pattern: Any, /, **lengths: Any) -> Tensor:
    return transform(machine, "repeat", x, pattern, lengths)


def reduce(machine: Any, x: Any, pattern: Any, /, reduction: Any, **lengths: Any) -> Tensor:
    if isinstance(reduction, str) and reduction not in REDUCTIONS:
        raise Raised("ValueError", f"reduce takes {', '.join(REDUCTIONS)}, not {shown(reduction)}")
    return transform(machine, "reduce", x, pattern, lengths)


def _around_star(pattern: Any) -> tuple[list[str], list[str]]:
    before, star, after = str(pattern).partition("*")
    if not star or "*" in after:
        raise Raised("ValueError", f"{shown(pattern)} has not one * in it")
    return before.split(), after.split()


def pack(machine: Any, each: Any, pattern: Any) -> Any:
    """Tensors brought to one pattern, `b * d`, and joined where its star stands."""
    before, after = _around_star(pattern)
    found, packed = [], []
    for one in machine.listed(each):
        x = tensor_args.tensor_of(machine, one)
        stop = len(x.shape) - len(after)
        middle = x.shape[len(before) : stop]
        packed.append(tuple(middle))
        shape = (*x.shape[: len(before)], math.prod(middle), *x.shape[stop:])
        found.append(shape_ops.reshape(machine, x, shape))
    return indexing.cat(machine, found, len(before)), packed


def unpack(machine: Any, x: Any, packed: Any, pattern: Any) -> Any:
    """What was packed, apart again."""
    before, after = _around_star(pattern)
    x = tensor_args.tensor_of(machine, x)
    shapes = [tuple(machine.listed(one)) for one in machine.listed(packed)]
    place = tensor_args.axis(machine, len(before), len(x.shape))
    lengths = [-1 if -1 in one else math.prod(one) for one in shapes]
    if lengths.count(-1) == 1:  # what the others leave
        rest = x.shape[place] - sum(one for one in lengths if one != -1)
        lengths[lengths.index(-1)] = rest
    parts = indexing.split(machine, x, lengths, place)
    stop = len(x.shape) - len(after)
    return [
        shape_ops.reshape(machine, piece, (*x.shape[: len(before)], *one, *x.shape[stop:]))
        for piece, one in zip(parts, shapes, strict=True)
    ]


def einsum(machine: Any, *values: Any) -> Any:
    """`einsum(a, b, "b i d, b j d -> b i j")`: names of axes may be words."""
    pattern = next((one for one in values if isinstance(one, str)), "")
    each = [one for one in values if isinstance(one, Tensor)]
    letters: dict[str, str] = {}

    def short(term: str) -> str:
        found = ""
        for name in term.split():
            if name == "...":
                found += name
            else:
                found += letters.setdefault(name, chr(ord("a") + len(letters)))
        return found

    left, arrow, right = pattern.partition("->")
    text = ",".join(map(short, left.split(",")))
    if len(letters) > 26:
        raise Halt("an einsum of more than 26 axes")
    return matmul.einsum(machine, text + (f"->{short(right)}" if arrow else ""), *each)


def _keep(machine: Any, owner: Object, pattern: Any, *rest: Any, **lengths: Any) -> None:
    owner.attrs |= {"pattern": pattern, "lengths": lengths}


def _applied(kind: str) -> Any:
    def forward(machine: Any, owner: Object, x: Any) -> Tensor:
        lengths = {key: one for key, one in owner.attrs["lengths"].items() if key != "reduction"}
        return transform(machine, kind, x, owner.attrs["pattern"], lengths)

    return forward


NAMES: dict[str, Any] = {
    **natives(
        {
            "rearrange": rearrange,
            "repeat": repeat,
            "reduce": reduce,
            "einsum": einsum,
            "pack": pack,
            "unpack": unpack,
        }
    ),
    "Rearrange": class_of("Rearrange", MODULE, __init__=_keep, forward=_applied("rearrange")),
    "Reduce": class_of("Reduce", MODULE, __init__=_keep, forward=_applied("reduce")),
}
"""What `einops` and `einops.layers.torch` give."""
