"""The patterns of `einops`: rearrange, reduce and repeat, as functions and as layers.

A pattern names axes: `b (h p) w c -> b h w (p c)`; those in parentheses share one axis of the
tensor (Rogozhnikov 2022).
"""

import math
import re
from functools import partial

from convcli.callsyntax import brief
from convcli.nets.layers import Shape
from convcli.nets.readers.python.language.conversions import describe, to_list
from convcli.nets.readers.python.language.objects import (
    Instance,
    ProgramException,
    ReadError,
    ShapeMismatch,
    Tensor,
    Value,
    class_of,
    natives,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch import indexing, matmul, shape_ops, tensor_args
from convcli.nets.readers.python.torch.nn_module import MODULE

Groups = list[list[str]]

REDUCTIONS = ("min", "max", "sum", "mean", "prod", "any", "all")
"""The reductions that `reduce` takes by name."""

DOTS = "(...)"
"""A separate ellipsis: its axes stay separate, not merged into one."""


def groups_of(text: str) -> Groups:
    """The axes of one side of a pattern, those in parentheses grouped.

    >>> groups_of("b (h p) c 1")
    [['b'], ['h', 'p'], ['c'], []]
    """
    if re.sub(r"[^()]", "", text).replace("()", "") or re.search(r"[^\w\s().]", text):
        raise ProgramException(
            "ValueError", f"{brief(text.strip())} is not a side of a pattern of einops"
        )
    groups: Groups = []
    for group, name in re.findall(r"\(([^()]*)\)|([^\s()]+)", text):
        if name:
            groups.append([] if name == "1" else [DOTS if name == "..." else name])
        else:
            groups.append([axis for axis in group.split() if axis != "1"])
    return groups


def _checked(kind: str, first: Groups, last: Groups, lengths: dict[str, int]) -> None:
    """Refuse, as einops does, a pattern whose sides do not have the axes that a verb takes."""
    left, right = ([name for group in side for name in group] for side in (first, last))
    for names in (left, right):
        twice = next((n for n in names if names.count(n) > 1 and not n.isdigit()), None)
        if twice is not None:
            raise ShapeMismatch(f"{kind}: {twice} occurs twice on one side of the pattern")
    alone = [("left", left, right)] if kind != "reduce" else []
    alone += [("right", right, left)] if kind != "repeat" else []
    for side, own, other in alone:
        name = next((n for n in own if n not in other or n.isdigit()), None)
        if name is not None:
            name = "..." if name.startswith(".") else name
            raise ShapeMismatch(f"{kind}: {name} occurs only on the {side} side of the pattern")
    unused = next((n for n in lengths if n not in (*left, *right)), None)
    if unused is not None:
        raise ShapeMismatch(f"{kind}: a length is given for {unused}, which is not in the pattern")


def sizes_in(shape: tuple[int, ...], groups: Groups, known: dict[str, int]) -> dict[str, int]:
    """The length of every named axis. Raises ShapeMismatch where the shape does not have them."""
    if len(groups) != len(shape):
        raise ShapeMismatch(f"a pattern of {len(groups)} axes meets {brief(shape)}")
    sizes = dict(known)
    for group, length in zip(groups, shape, strict=True):
        open_ = [name for name in group if name not in sizes and not name.isdigit()]
        given = math.prod(
            int(name) if name.isdigit() else sizes[name] for name in group if name not in open_
        )
        if len(open_) > 1:
            raise ShapeMismatch(f"the lengths of {', '.join(open_)} are not known")
        if given == 0 or length % given or (not open_ and given != length):
            raise ShapeMismatch(f"an axis of {length} is not ({' '.join(group)}) of {given}")
        if open_:
            sizes[open_[0]] = length // given
    return sizes


def transform(
    kind: str, interpreter: Interpreter, x: Value, pattern: Value, /, **lengths: Value
) -> Tensor:
    """A tensor rearranged, reduced or repeated by a pattern."""
    if isinstance(x, list | tuple):
        x = indexing.stack(interpreter, x)
    x = tensor_args.to_tensor(x)
    if not isinstance(pattern, str) or "->" not in pattern:
        raise ProgramException("ValueError", f"{brief(pattern)} is not a pattern of einops")
    left, _, right = pattern.partition("->")
    known = {name: tensor_args.to_integer(size) for name, size in lengths.items()}
    first, last = groups_of(left), groups_of(right)
    if [DOTS] in first:
        dots = [f".{i}" for i in range(len(x.shape) - len(first) + 1)]
        index = first.index([DOTS])
        first[index : index + 1] = [[name] for name in dots]
        expanded: Groups = []
        for group in last:
            if group == [DOTS]:
                expanded += [[name] for name in dots]
            else:
                expanded.append([n for name in group for n in (dots if name == "..." else [name])])
        last = expanded
    elif [DOTS] in last:
        raise ShapeMismatch(f"{kind}: ... occurs only on the right side of the pattern")
    _checked(kind, first, last, known)
    before = [name for group in first for name in group]
    after = [name for group in last for name in group]
    sizes = sizes_in(x.shape, first, {key: known[key] for key in known if key in before})
    sizes |= known
    sizes |= {name: int(name) for name in after if name.isdigit()}
    missing = [name for name in after if name not in sizes]
    if missing:
        raise ShapeMismatch(f"the length of {missing[0]} is not known")
    output = tuple(math.prod(sizes[name] for name in group) for group in last)
    if kind == "rearrange" and before == after:
        return shape_ops.reshape(interpreter, x, output)
    return tensor_args.append_operation(
        interpreter, kind, [x], output, pattern, tuple(sorted(known.items()))
    )


def reduce(
    interpreter: Interpreter, x: Value, pattern: Value, /, reduction: Value, **lengths: Value
) -> Tensor:
    if isinstance(reduction, str) and reduction not in REDUCTIONS:
        raise ProgramException(
            "ValueError", f"reduce takes {', '.join(REDUCTIONS)}, not {brief(reduction)}"
        )
    return transform("reduce", interpreter, x, pattern, **lengths)


def _around_star(pattern: Value) -> tuple[list[str], list[str]]:
    before, star, after = str(pattern).partition("*")
    if not star or "*" in after:
        raise ProgramException("ValueError", f"{brief(pattern)} has not one * in it")
    return before.split(), after.split()


def pack(interpreter: Interpreter, tensors: Value, pattern: Value) -> tuple[Tensor, list[Shape]]:
    """Tensors brought to one pattern, `b * d`, and joined at its star."""
    before, after = _around_star(pattern)
    flat: list[Tensor] = []
    packed: list[Shape] = []
    for value in to_list(interpreter, tensors):
        x = tensor_args.to_tensor(value)
        stop = len(x.shape) - len(after)
        middle = x.shape[len(before) : stop]
        packed.append(tuple(middle))
        shape = (*x.shape[: len(before)], math.prod(middle), *x.shape[stop:])
        flat.append(shape_ops.reshape(interpreter, x, shape))
    return indexing.cat(interpreter, flat, len(before)), packed


def unpack(interpreter: Interpreter, x: Value, packed: Value, pattern: Value) -> list[Tensor]:
    """A packed tensor, unpacked."""
    before, after = _around_star(pattern)
    x = tensor_args.to_tensor(x)
    shapes = [tensor_args.to_sizes((shape,)) for shape in to_list(interpreter, packed)]
    index = tensor_args.axis(len(before), len(x.shape))
    lengths = [-1 if -1 in shape else math.prod(shape) for shape in shapes]
    if lengths.count(-1) == 1:  # what the others leave
        rest = x.shape[index] - sum(length for length in lengths if length != -1)
        lengths[lengths.index(-1)] = rest
    parts = indexing.split(interpreter, x, lengths, index)
    stop = len(x.shape) - len(after)
    return [
        shape_ops.reshape(interpreter, part, (*x.shape[: len(before)], *shape, *x.shape[stop:]))
        for part, shape in zip(parts, shapes, strict=True)
    ]


def einsum(interpreter: Interpreter, *values: Value) -> Tensor:
    """`einsum(a, b, "b i d, b j d -> b i j")`: names of axes may be words."""
    pattern = next((value for value in values if isinstance(value, str)), "")
    tensors = [value for value in values if isinstance(value, Tensor)]
    letters: dict[str, str] = {}

    def short(term: str) -> str:
        return "".join(
            name if name == "..." else letters.setdefault(name, chr(ord("a") + len(letters)))
            for name in term.split()
        )

    left, arrow, right = pattern.partition("->")
    text = ",".join(map(short, left.split(",")))
    if len(letters) > 26:
        raise ReadError("an einsum of more than 26 axes")
    return matmul.einsum(interpreter, text + (f"->{short(right)}" if arrow else ""), *tensors)


def _keep(
    interpreter: Interpreter, owner: Instance, pattern: Value, *rest: Value, **lengths: Value
) -> None:
    owner.attrs |= {"pattern": pattern, "lengths": lengths}


def _forward(kind: str, interpreter: Interpreter, owner: Instance, x: Value) -> Tensor:
    """The `forward` of a layer that transforms by its pattern."""
    lengths = owner.attrs["lengths"]
    if not isinstance(lengths, dict):
        raise ReadError(f"a layer of einops is given {describe(lengths)} for its lengths")
    sizes = {key: size for key, size in lengths.items() if key != "reduction"}
    return transform(kind, interpreter, x, owner.attrs["pattern"], **sizes)


NAMES: dict[str, Value] = {
    **natives(
        {
            **{kind: partial(transform, kind) for kind in ("rearrange", "repeat")},
            "reduce": reduce,
            "einsum": einsum,
            "pack": pack,
            "unpack": unpack,
        }
    ),
    "Rearrange": class_of(
        "Rearrange", MODULE, __init__=_keep, forward=partial(_forward, "rearrange")
    ),
    "Reduce": class_of("Reduce", MODULE, __init__=_keep, forward=partial(_forward, "reduce")),
}
"""The names of `einops` and `einops.layers.torch`."""
