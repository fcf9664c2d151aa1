"""The input that a text itself tries its network with: `net(torch.randn(1, 3, 32, 32))`.

A tensor counts only if the network that is read is called with it, or if its size is passed to a
tool that calls the network: other tensors are data, labels or noise of another network.
"""

import ast
from collections.abc import Iterator

from convcli.nets.layers import Shape
from convcli.nets.readers.python.language.objects import SourceFile
from convcli.nets.source_location import at_line
from convcli.records import NamedTuple

TENSORS = {"randn", "rand", "zeros", "ones", "empty", "normal", "uniform", "full", "randint"}
"""Functions that make a tensor of a given size."""

SAME = {"to", "cuda", "cpu", "eval", "train", "float", "half", "double", "requires_grad_", "type"}
"""Methods that return their module or tensor with the same sizes."""

WRAPPERS = {"DataParallel", "DistributedDataParallel", "compile", "Variable", "tensor", "deepcopy"}
"""Functions that return their first argument with the same sizes."""

WITH_TENSOR = {
    *("profile", "export", "trace", "FlopCountAnalysis", "flop_count", "add_graph", "make_dot"),
    *("draw_graph", "flop_count_table", "summary", "get_model_profile", "script", "predict"),
}
"""Tools that take a network and a tensor, or a tuple of tensors."""

WITH_SIZE = {"summary", "get_model_complexity_info", "summary_string", "calculate_flops"}
"""Tools that take a network and the size of its input."""

MAX_UNWRAPPED = 20
"""Maximum nested calls around a module or a tensor."""


class Example(NamedTuple):
    """An input and the call that names it."""

    shape: Shape
    """`(channels, *lengths)`, without the batch."""
    where: str
    """The line: `net.py:30: summary(net, (1, 28, 28))`."""


def example_input(file: SourceFile, entry: ast.expr, channels_last: bool) -> Example | None:
    """The size with which a text calls the network that `entry` builds; None unless it is unique.

    `channels_last` says that tensors have their channels last, as in Keras.
    """
    calls = _Calls(file, entry)
    examples: dict[Shape, ast.Call] = {}
    for call, sizes, is_keras in calls.examples():
        if len(sizes) > 1 and (channels_last or is_keras):
            sizes = (sizes[-1], *sizes[:-1])
        examples.setdefault(sizes, call)
    if len(examples) != 1:
        return None
    ((shape, call),) = examples.items()
    return Example(shape, f"{at_line(file.name, call.lineno)}: {ast.unparse(call)[:60]}")


class _Calls:
    """The calls of a text outside of its classes, and the values of its names there."""

    def __init__(self, file: SourceFile, entry: ast.expr) -> None:
        self.file = file
        self.nodes = list(_outside_classes(file.tree))
        self.has_torchinfo = any(
            isinstance(node, ast.ImportFrom | ast.Import) and "torchinfo" in ast.unparse(node)
            for node in self.nodes
        )
        self.values: dict[str, list[ast.expr]] = {}
        for node in self.nodes:
            match node:
                case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                    ast.Name(name), _, ast.expr() as value
                ):
                    self.values.setdefault(name, []).append(value)
        builder = entry.func if isinstance(entry, ast.Call) else entry
        self.builder = builder.id if isinstance(builder, ast.Name) else ""
        self.models = set[str]()
        if self.builder in self.values:
            self.models.add(self.builder)
        for name, values in self.values.items():
            if any(self._is_model(value) for value in values):
                self.models.add(name)

    def _is_model(self, node: ast.expr) -> bool:
        node = _unwrapped(node)
        match node:
            case ast.Name(name):
                return name in self.models
            case ast.Call(ast.Name(name)):
                return name == self.builder
        return False

    def examples(self) -> Iterator[tuple[ast.Call, Shape, bool]]:
        """Calls, the size of one input, and whether it is in Keras's order."""
        for call in self.nodes:
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            name = call.func.id if isinstance(call.func, ast.Name) else name
            sizes: Shape | None = None
            if self._is_model(call.func) and call.args:
                sizes = self._tensor(call.args[0])
            elif isinstance(call.func, ast.Attribute) and self._is_model(call.func.value):
                if name == "build":
                    shape = self._sizes(call.args[0], open_batch=True) if call.args else None
                    if shape:
                        yield call, shape, True
                    continue
                if name in ("forward", "predict") and call.args:
                    sizes = self._tensor(call.args[0])
            elif name in WITH_TENSOR | WITH_SIZE:
                sizes = self._size_argument(call, name)
            if sizes:
                yield call, sizes, False

    def _size_argument(self, call: ast.Call, name: str) -> Shape | None:
        """The size argument of a tool whose first argument is the network."""
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        models = [*call.args[:2], *(options.get(key) for key in ("model", "net"))]
        if not any(node is not None and self._is_model(node) for node in models):
            return None
        others = [node for node in call.args[1:3] if not self._is_model(node)]
        keys = ("input_size", "input_res", "input_shape", "input_data", "inputs", "args")
        for node in (*(options[key] for key in keys if key in options), *others):
            sizes = self._tensor(node)
            if sizes is None and isinstance(node, ast.Tuple | ast.List) and node.elts:
                sizes = self._tensor(node.elts[0])
            if sizes is None and name in WITH_SIZE:
                with_batch = self.has_torchinfo or name == "calculate_flops"
                if name in ("get_model_complexity_info", "summary_string"):
                    with_batch = False
                sizes = self._sizes(node, open_batch=True) if with_batch else self._sizes(node)
            if sizes:
                return sizes
        return None

    def _tensor(self, node: ast.expr) -> Shape | None:
        """The size of one item of a batch that an expression makes; None for other values."""
        for _ in range(MAX_UNWRAPPED):
            node = _unwrapped(node)
            if not isinstance(node, ast.Name) or node.id not in self.values:
                break
            values = self.values[node.id]
            before = [value for value in values if value.lineno <= node.lineno]
            node = (before or values)[-1]
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        if node.func.attr not in TENSORS:
            return None
        args = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        sized = named.get("size", named.get("shape"))
        listed = next((arg for arg in args if isinstance(arg, ast.Tuple | ast.List)), None)
        if sized is None and listed is None:
            sized = ast.Tuple(args)
        return self._sizes(sized or listed, open_batch=True)

    def _sizes(self, node: ast.expr | None, open_batch: bool = False) -> Shape | None:
        """A tuple of integers without its batch, which may be anything."""
        while isinstance(node, ast.Name) and len(self.values.get(node.id, ())) == 1:
            node = self.values[node.id][0]
        if not isinstance(node, ast.Tuple | ast.List):
            return None
        elements = node.elts[1:] if open_batch else node.elts
        sizes = [self._positive(element) for element in elements]
        if not 1 <= len(sizes) <= 4 or None in sizes:
            return None
        return tuple(size for size in sizes if size)

    def _positive(self, node: ast.expr) -> int | None:
        """A positive integer, or the value of a name of one."""
        value: object = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Name):
            value = self.file.names.get(node.id)
        return value if isinstance(value, int) and value > 0 and value is not True else None


def _unwrapped(node: ast.expr) -> ast.expr:
    """The module or the tensor within `net.to(device).eval()` and `DataParallel(net)`."""
    for _ in range(MAX_UNWRAPPED):
        match node:
            case ast.Call(ast.Attribute(value, name)) if name in SAME:
                node = value
            case ast.Call(ast.Attribute(_, name) | ast.Name(name), [first, *_]) if name in WRAPPERS:
                node = first
            case _:
                return node
    return node


def _outside_classes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a text except those in its classes, in source order."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            continue
        yield node
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))
