"""The text of `print(model)` in PyTorch → Network, with its names and nesting.

A printed model shows its modules, not its `forward`. Children run in order, with the usual
exceptions: a `downsample` or `shortcut` child is the second path of a residual block, children
called `branch1`, `branch2`, … are joined, and `aux…` children run beside the main path.
"""

import ast
import re
from collections.abc import Callable

from convcli.callsyntax import UNREADABLE, parsed_value, value
from convcli.errors import SpecError
from convcli.nets.graph import (
    INPUT,
    MAX_NODES,
    Builder,
    Chain,
    Fork,
    Leaf,
    Network,
    Part,
    fresh,
    size_of,
)
from convcli.nets.layers import Concat, Layer, Linear, Merge, Reshape
from convcli.nets.layers.tensor_ops import Unused
from convcli.nets.readers.printed_modules import (
    HOLDING,
    WHOLE,
    module_alone,
    parameter_notes,
    printed_layer,
)
from convcli.nets.source_location import Where, pointed

# compiled at first use, which most texts never reach
HEAD = r"^\s*([A-Za-z_]\w*)\(\s*$"
PARAMETER = r"^\s*\(([\w.\- ]+)\): Parameter containing: \[[\w.]+ of size ([0-9x]{0,99})[ \]].*$"
TABLE = r"^(.*\bParameterDict\()\s+(\(.*)$|^(.* containing: \[[^\]]*\])(\))$"
OWN_VALUES = r"^(\(?[0-9]{1,9},|[A-Za-z_]\w*[=(]).*$"
CHILD = r"^\s*\(([\w.\- ]+)\): (?:([0-9]{1,9}) x )?([A-Za-z_]\w*)\((.*)$"


RESIDUAL = {"BasicBlock", "Bottleneck"}
"""Blocks that add their input to their result, whether or not a `downsample` is printed."""

IN_ORDER = {"Sequential", "Fire", "AlexNet", "VGG", "ResNet", "SqueezeNet", *RESIDUAL}
"""Modules whose children run in the printed order, with the exceptions below."""

UNNAMED = "·"
"""The name of a part that joins others and is no module: paths do not contain it."""

Builds = Callable[[str, list[object], dict[str, object]], Layer]


def is_printed(text: str) -> bool:
    """Whether a text looks like a printed model: `(name): Type(...)` lines.

    >>> is_printed("Net(\\n  (fc): Linear(in_features=4, out_features=2, bias=True)\\n)")
    True
    """
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    return sum(bool(re.match(CHILD, line)) for line in lines) >= max(len(lines) // 3, 1)


def read_printed(text: str, source: str, layer: Builds) -> Network:
    """The network of a printed model; `layer` builds a record from its name and values.

    An unknown module has no layers: a note says what it may contain.
    """
    reader = PrintReader(source, layer)
    for number, line in enumerate(text.splitlines(), 1):
        reader.read(line, number)
    return reader.network()


class PrintReader:
    """The blocks that are open while a printed model is read line by line."""

    def __init__(self, source: str, layer: Builds) -> None:
        self.source, self.layer = source, layer
        self.open: list[tuple[str, str, int, list[Part]]] = [("", "", 1, [])]
        """Name, type, repetitions and items of the blocks that are still open."""
        self.top = self.root = ""
        """The class of the complete model; `root` is "" if its order is known."""
        self.blocks: dict[str, None] = {}
        """Classes of inner blocks and layers whose sizes are unknown."""
        self.unknown: dict[str, None] = {}
        """Classes that may hold parameters of their own."""

    def read(self, line: str, number: int) -> None:
        """Raises SpecError, with its location, for a line that no print has."""
        bare = line.strip()
        where = Where(self.source, number, line, len(line) - len(line.lstrip()), len(bare))
        _, type_, _, items = self.open[-1]
        if tables := re.match(TABLE, line):  # which PyTorch prints on the line of its first value
            for piece in filter(None, tables.groups()):
                self.read(piece, number)
        elif child := re.match(CHILD, line):
            self._child(child, where)
        elif parameter := re.match(PARAMETER, line):
            sizes = [int(size) for size in parameter[2].split("x") if size]
            items.append(Leaf(module_alone("Parameter", sizes, {}), parameter[1], where))
            self.blocks.setdefault(type_)
        elif head := re.match(HEAD, line):
            self._enter(head[1])
            self.top = self.top or head[1]
            self.root = self.root or (head[1] if head[1] not in IN_ORDER else "")
        elif bare == ")":
            if len(self.open) > 1:
                name, type_, times, items = self.open.pop()
                self.open[-1][3].extend(_repeated(_block(name, type_, items), name, times))
        elif re.match(OWN_VALUES, bare) and not items:
            items.extend(self._own_values(type_, bare, where))
        elif bare and not bare.startswith(">>>"):
            raise _unread(where)

    def _enter(self, type_: str) -> None:
        if type_ not in IN_ORDER:
            self.unknown.setdefault(type_)

    def _child(self, line: re.Match[str], where: Where) -> None:
        name, times, type_, rest = line.groups()
        if rest == "":
            self._enter(type_)
            if type_ not in IN_ORDER:
                self.blocks.setdefault(type_)
            self.open.append((name, type_, int(times or 1), []))
            return
        if not rest.endswith(")"):
            raise _unread(where)
        part = self._leaf(type_, rest[:-1], name, where)
        self.open[-1][3].extend(_repeated(part, name, int(times or 1)) if part else [])

    def _leaf(self, type_: str, values: str, name: str, where: Where) -> Part | None:
        """A module with its values; None where it holds nothing that is known."""
        if type_.endswith("Loss"):
            return None  # the loss is no layer of a model
        if type_ in WHOLE and not values:
            return Chain((), name)
        try:
            args, options = _values(values, where)
            layer, has_sizes = printed_layer(type_, args, options, self.layer)
        except SpecError as error:
            if "\n" in str(error):
                raise
            raise SpecError(f"{error}\n{pointed(where)}") from None
        if layer is None or type_ in HOLDING:
            self.unknown.setdefault(type_)
        if not has_sizes:
            self.blocks.setdefault(type_)
        return Leaf(layer, name, where) if layer else None

    def _own_values(self, type_: str, values: str, where: Where) -> list[Part]:
        """The items of a block with values printed above its children, as in `BatchNormAct2d`."""
        try:
            args, options = _values(values, where)
        except SpecError:
            return []  # the steps of a transform
        layer, _ = printed_layer("", args, options, self.layer)
        return [Leaf(layer, "own", where)] if layer else []

    def network(self) -> Network:
        """The layers in the order of the print, and why that order is not certain."""
        builder = Builder()
        items = _block("", "", self.open[0][3]).items
        if self.top == "AlexNet" and items and items[-1].name == "classifier":
            items = (*items[:-1], Leaf(Reshape(), "flatten"), items[-1])
        builder.append(Chain(items), INPUT)
        of = next(iter(self.blocks), "") or self.root
        why = f"the print of {of} has no forward, so the order of its layers is assumed"
        return _by_paths(builder.network())._replace(
            unordered=why if of else "",
            has_unknown_blocks=bool(self.blocks),
            notes=parameter_notes(self.unknown),
        )


def _by_paths(network: Network) -> Network:
    """A network whose nodes have PyTorch's names of their modules: `layer1.0.conv1`."""
    paths = {node.name: node.name.replace(f"{UNNAMED}.", "") for node in network.nodes}
    if len({*paths.values()}) < len(paths):
        return network  # a module is called `add` or `concat` itself
    return network._replace(
        nodes=tuple(
            node._replace(
                name=paths[node.name],
                inputs=tuple(paths.get(name, name) for name in node.inputs),
                owner=paths.get(node.owner, node.owner),
            )
            for node in network.nodes
        )
    )


def _projections(out: Part) -> list[Part]:
    """The projections of queries, keys and values; a print shows only that of the output."""
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
    options = {option.arg: _value(option.value) for option in call.keywords if option.arg}
    return [_value(argument) for argument in call.args], options


def _value(node: ast.expr) -> object:
    """A printed value; its text if it is no number or name, such as a module."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.Size" and node.args:
        node = node.args[0]
    try:
        return value(node)
    except SpecError:
        return ast.unparse(node)


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
    """The children of a module in the order in which they run."""
    by_name = {item.name: item for item in items}
    if type_ == "MultiheadAttention" and len(items) == 1:
        return Chain((*_projections(items[0]), *items), name)
    way = by_name.get("downsample") or by_name.get("shortcut")
    if way or type_ in RESIDUAL:
        body = Chain(tuple(item for item in items if item is not way), UNNAMED)
        short = way if isinstance(way, Chain) else Chain((way,) if way else (), UNNAMED)
        return Chain((Fork((body, short), Merge("add"), UNNAMED),), name)
    if {"expand1x1", "expand3x3"} <= by_name.keys():  # SqueezeNet's Fire
        expands = [
            Chain(tuple(item for item in items if item.name.startswith(size)), UNNAMED)
            for size in ("expand1x1", "expand3x3")
        ]
        before = tuple(item for item in items if not item.name.startswith("expand"))
        return Chain((*before, Fork(tuple(expands), Concat(), UNNAMED)), name)
    branches = [item for item in items if re.fullmatch(r"branch\w+", item.name)]
    if len(branches) > 1 and len(branches) == len(items):
        chains = tuple(
            item if isinstance(item, Chain) else Chain((item,), UNNAMED) for item in branches
        )
        return Chain((Fork(chains, Concat(), UNNAMED),), name)
    ordered: list[Part] = []
    for item in items:
        if re.fullmatch(r"aux\w*", item.name):
            side = item if isinstance(item, Chain) else Chain((item,), UNNAMED)
            ordered.append(Fork((side,), None, UNNAMED))
        else:
            ordered.append(item)
    return Chain(tuple(ordered), name)
