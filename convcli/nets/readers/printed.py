"""The text of `print(model)` in PyTorch → Network, with its names and nesting.

A printed model tells its modules, not its `forward`: children run in order, but for the shapes
that the field prints alike: a `downsample` or `shortcut` child is the second way of a residual
block, children called `branch1`, `branch2`, … are joined, and `aux…` children stand beside.
"""

import ast
import re
from collections.abc import Callable
from typing import Any

from convcli.calls import UNREADABLE, parsed_value, value
from convcli.errors import SpecError
from convcli.nets.layers import Concat, Merge
from convcli.nets.network import MOST_NODES, Chain, Fork, Leaf, Part, Where, fresh, pointed, size_of

# compiled where they are first used, which most texts never reach
HEAD = r"^\s*[A-Za-z_]\w*\(\s*$"
CHILD = r"^\s*\(([\w.\- ]+)\): (?:(\d+) x )?([A-Za-z_]\w*)\((.*)$"


def is_printed(text: str) -> bool:
    """Whether a text looks like a printed model: `(name): Type(...)` lines.

    >>> is_printed("Net(\\n  (fc): Linear(in_features=4, out_features=2, bias=True)\\n)")
    True
    """
    if "): " not in text:
        return False
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    return sum(bool(re.match(CHILD, line)) for line in lines) >= max(len(lines) // 3, 1)


def read_printed(
    text: str, source: str, layer: Callable[[str, list[Any], dict[str, Any]], Any]
) -> Part:
    """The parts of a printed model; `layer` builds one from its name and values."""
    open_blocks: list[tuple[str, int, list[Part]]] = [("", 1, [])]
    for number, line in enumerate(text.splitlines(), 1):
        where = Where(source, number, line, len(line) - len(line.lstrip()), len(line.strip()))
        bare = line.strip()
        child = re.match(CHILD, line)
        if child:
            name, times, type_, rest = child.groups()
            if rest == "":
                open_blocks.append((name, int(times or 1), []))
                continue
            if not rest.endswith(")"):
                raise _unread(where)
            part = Leaf(layer(type_, *_values(rest[:-1], where)), name, where)
            open_blocks[-1][2].extend(_repeated(part, name, int(times or 1)))
        elif bare == ")" and len(open_blocks) > 1:
            name, times_, items = open_blocks.pop()
            open_blocks[-1][2].extend(_repeated(_block(name, items), name, times_))
        elif bare and bare != ")" and not re.match(HEAD, line):
            raise _unread(where)
    return Chain(tuple(_block("", open_blocks[0][2]).items))


def _unread(where: Where) -> SpecError:
    return SpecError(f"this line is not read in a printed model\n{pointed(where)}")


def _values(text: str, where: Where) -> tuple[list[Any], dict[str, Any]]:
    try:
        call = parsed_value(f"_({text})")
    except UNREADABLE:
        raise _unread(where) from None
    if not isinstance(call, ast.Call):
        raise _unread(where)
    options = {keyword.arg: value(keyword.value) for keyword in call.keywords if keyword.arg}
    return [value(one) for one in call.args], options


def _repeated(part: Part, name: str, times: int) -> list[Part]:
    """`(0-2): 3 x Block(` is three of them, called 0, 1 and 2."""
    if times == 1:
        return [part]
    if times * size_of(part) > MOST_NODES:
        raise SpecError(f"repeated {times:,} times it has more than {MOST_NODES:,} layers")
    first = int(name.partition("-")[0]) if name[:1].isdigit() else 0
    return [fresh(part)._replace(name=str(first + number)) for number in range(times)]


def _block(name: str, items: list[Part]) -> Chain:
    """The children of a module in the order they run."""
    names = [item.name for item in items]
    if any(one in ("downsample", "shortcut") for one in names):
        way = next(item for item in items if item.name in ("downsample", "shortcut"))
        body = Chain(tuple(item for item in items if item is not way))
        short = way if isinstance(way, Chain) else Chain((way,))
        return Chain((Fork((body, short), Merge("add"), "residual"),), name)
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
