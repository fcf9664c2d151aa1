"""The text of `print(model)` in PyTorch → Network, with its names and nesting.

A printed model tells its modules, not its `forward`: children run in order, but for the shapes
that the field prints alike: a `downsample` or `shortcut` child is the second way of a residual
block, children called `branch1`, `branch2`, … are joined, and `aux…` children stand beside.
"""

import ast
import re
from collections.abc import Callable

from convcli.callsyntax import UNREADABLE, parsed_value, value
from convcli.errors import SpecError
from convcli.nets.graph import MAX_NODES, Chain, Fork, Leaf, Part, fresh, size_of
from convcli.nets.layers import Concat, Layer, Linear, Merge
from convcli.nets.layers.tensor_ops import Unused
from convcli.nets.readers.printed_modules import (
    ACTIVATED_NORM,
    PARAMETERS,
    SAME_AS,
    module_alone,
)
from convcli.nets.source_location import Where, pointed

# compiled where they are first used, which most texts never reach
HEAD = r"^\s*([A-Za-z_]\w*)\(\s*$"
CHILD = r"^\s*\(([\w.\- ]+)\): (?:([0-9]{1,9}) x )?([A-Za-z_]\w*)\((.*)$"


RESIDUAL = {"BasicBlock", "Bottleneck"}
"""Blocks that add their input to what they make, whether or not a `downsample` is printed."""

IN_ORDER = {"Sequential", "Fire", "AlexNet", "VGG", "ResNet", "SqueezeNet", *RESIDUAL}
"""Modules whose children run as they are printed, but for the shapes below."""

Builds = Callable[[str, list[object], dict[str, object]], Layer]


def is_printed(text: str) -> bool:
    """Whether a text looks like a printed model: `(name): Type(...)` lines.

    >>> is_printed("Net(\\n  (fc): Linear(in_features=4, out_features=2, bias=True)\\n)")
    True
    """
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    return sum(bool(re.match(CHILD, line)) for line in lines) >= max(len(lines) // 3, 1)


def unknown_order(text: str) -> tuple[str, bool]:
    """Why the order of the layers of a printed model is not known; whether a block's is not.

    >>> unknown_order("Sequential(\\n  (0): ReLU()\\n)")
    ('', False)
    >>> unknown_order("Net(\\n  (fc): Linear(in_features=4, out_features=2)\\n)")
    ('the print of Net has no forward, so the order of its layers is assumed', False)
    """
    root = block = module = ""
    for line in text.splitlines():
        child, head = re.match(CHILD, line), re.match(HEAD, line)
        if child and child[4]:
            module = child[3] if child[3] in PARAMETERS else module
        elif child and child[3] not in IN_ORDER:
            block = block or child[3]
        elif head and head[1] not in IN_ORDER:
            root = root or head[1]
    of = block or root or module
    why = f"the print of {of} has no forward, so the order of its layers is assumed"
    return (why if of else "", bool(block or module))


def read_printed(text: str, source: str, layer: Builds) -> Part:
    """The parts of a printed model; `layer` builds one from its name and values."""
    open_blocks: list[tuple[str, str, int, list[Part]]] = [("", "", 1, [])]
    for number, line in enumerate(text.splitlines(), 1):
        where = Where(source, number, line, len(line) - len(line.lstrip()), len(line.strip()))
        bare = line.strip()
        child = re.match(CHILD, line)
        if child:
            name, times, type_, rest = child.groups()
            if rest == "":
                open_blocks.append((name, type_, int(times or 1), []))
                continue
            if not rest.endswith(")"):
                raise _unread(where)
            made = _child(type_, rest[:-1], name, where, layer)
            open_blocks[-1][3].extend(_repeated(made, name, int(times or 1)) if made else [])
        elif bare == ")" and len(open_blocks) > 1:
            name, type_, many, items = open_blocks.pop()
            open_blocks[-1][3].extend(_repeated(_block(name, type_, items), name, many))
        elif open_blocks[-1][1] == ACTIVATED_NORM and not open_blocks[-1][3]:
            norm = _child("BatchNorm2d", bare, "norm", where, layer)
            open_blocks[-1][3].extend([norm] if norm else [])
        elif bare and bare != ")" and not re.match(HEAD, line) and not bare.startswith(">>>"):
            raise _unread(where)
    return Chain(_block("", "", open_blocks[0][3]).items)


def _child(type_: str, values: str, name: str, where: Where, layer: Builds) -> Part | None:
    if type_.endswith("Loss"):
        return None  # what a model is trained with is not a layer of it
    if type_ == "Sequential" and not values:
        return Chain((), name)
    try:
        args, options = _values(values, where)
        if type_ in PARAMETERS:
            return Leaf(module_alone(type_, args, options), name, where)
        return Leaf(layer(SAME_AS.get(type_, type_), args, options), name, where)
    except SpecError as error:
        if "\n" in str(error):
            raise
        raise SpecError(f"{error}\n{pointed(where)}") from None


def _projections(out: Part) -> list[Part]:
    """Those of queries, keys and values, of which a print shows that of the output alone."""
    layer = out.layer if isinstance(out, Leaf) else None
    if not isinstance(layer, Linear):
        return []
    size = layer.outputs
    params = 3 * size * size + (3 * size if layer.bias else 0)
    return [
        Leaf(Unused("in_proj", params), "in_proj", out.where if isinstance(out, Leaf) else None)
    ]


def _unread(where: Where) -> SpecError:
    return SpecError(f"this line is not read in a printed model\n{pointed(where)}")


def _values(text: str, where: Where) -> tuple[list[object], dict[str, object]]:
    try:
        call = parsed_value(f"_({text})")
    except UNREADABLE:
        raise _unread(where) from None
    if not isinstance(call, ast.Call):
        raise _unread(where)
    options: dict[str, object] = {
        keyword.arg: value(keyword.value) for keyword in call.keywords if keyword.arg
    }
    return [value(one) for one in call.args], options


def _repeated(part: Part, name: str, times: int) -> list[Part]:
    """`(0-2): 3 x Block(` is three of them, called 0, 1 and 2."""
    if times == 1:
        return [part]
    if times * size_of(part) > MAX_NODES:
        raise SpecError(f"repeated {times:,} times it has more than {MAX_NODES:,} layers")
    start = re.match(r"[0-9]{1,9}(?=-)", name)
    first = int(start[0]) if start else 0
    return [fresh(part)._replace(name=str(first + number)) for number in range(times)]


def _block(name: str, type_: str, items: list[Part]) -> Chain:
    """The children of a module in the order they run."""
    by_name = {item.name: item for item in items}
    if type_ == "MultiheadAttention" and len(items) == 1:
        return Chain((*_projections(items[0]), *items), name)
    way = by_name.get("downsample") or by_name.get("shortcut")
    if way or type_ in RESIDUAL:
        body = Chain(tuple(item for item in items if item is not way), "body")
        short = way if isinstance(way, Chain) else Chain((way,) if way else (), "shortcut")
        return Chain((Fork((body, short), Merge("add"), "residual"),), name)
    if {"expand1x1", "expand3x3"} <= by_name.keys():  # SqueezeNet's Fire
        expands = [
            Chain(tuple(item for item in items if item.name.startswith(one)), one)
            for one in ("expand1x1", "expand3x3")
        ]
        before = tuple(item for item in items if not item.name.startswith("expand"))
        return Chain((*before, Fork(tuple(expands), Concat(), "expand")), name)
    branches = [item for item in items if re.fullmatch(r"branch\w+", item.name)]
    if len(branches) > 1 and len(branches) == len(items):
        chains = tuple(one if isinstance(one, Chain) else Chain((one,)) for one in branches)
        return Chain((Fork(chains, Concat(), "branches"),), name)
    ordered: list[Part] = []
    for item in items:
        if re.fullmatch(r"aux\w*", item.name):
            side = item if isinstance(item, Chain) else Chain((item,))
            ordered.append(Fork((side,), None, item.name))
        else:
            ordered.append(item)
    return Chain(tuple(ordered), name)
