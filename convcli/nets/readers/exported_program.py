"""`.pt2` files of `torch.export`: a graph as JSON, with the size of every tensor.

A table gives the layer of each ATen operator; operators without weights and windows become
operations with the sizes in the file. Nothing of the file is run.
"""

import os
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from json import loads
from math import prod

from convcli.errors import SpecError, UnfitError
from convcli.geometry import Padding
from convcli.nets.graph import INPUT, Given, Network, Reading, Stopped
from convcli.nets.layers import Activation, Conv, Identity, Layer, Linear, Norm, Shape
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, Value, traced, weight_owner
from convcli.nets.readers.vocabulary.registry import names_of
from convcli.nets.stored_arrays import StoredArray
from convcli.records import NamedTuple
from convcli.text import safe

MAX_MODEL = 64 << 20
"""Bytes of the JSON of a model."""

MAX_NODES = 200_000

Json = dict[str, object]


def read_exported(path: str) -> Reading:
    """The network of an exported program. Raises SpecError."""
    name = os.path.basename(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.namelist() if entry.endswith(MODELS)]
            if not entries:
                raise SpecError(f"{safe(name)} holds no exported program")
            if archive.getinfo(entries[0]).file_size > MAX_MODEL:
                raise SpecError(f"{safe(name)}: its graph has more than {MAX_MODEL:,} bytes")
            with archive.open(entries[0]) as stream:
                model = loads(stream.read(MAX_MODEL))
    except SpecError:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise SpecError(
            f"{safe(name)} is not an exported program: {safe(str(error))[:80]}"
        ) from None
    try:
        program = _Program(model, name)
        shape = program.shape
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(
            f"{safe(name)} is not in the form that torch.export writes ({type(error).__name__})"
        ) from None
    network = Network((), redo=program.network, parameters=tuple(program.inputs))
    return Reading(network, shape, f"exported program of PyTorch {program.version}")


MODELS = ("models/model.json", "serialized_exported_program.json")
"""Names of the graph in the archive, by version of PyTorch."""


class _Node(NamedTuple):
    """One operator with its arguments by name."""

    operator: str
    arguments: dict[str, object]
    outputs: list[str]
    module: str


class _Program:
    """The records of a program; those that are used are checked."""

    def __init__(self, model: Json, source: str) -> None:
        self.source = source
        self.version = safe(str(model.get("torch_version", "")))[:20]
        graph = _object(model, "graph_module", "graph")
        self.sizes = {
            name: _sizes(value) for name, value in _object(graph, "tensor_values").items()
        }
        self.inputs: list[str] = []
        self.arrays: dict[str, StoredArray] = {}
        for spec in _list(_object(model, "graph_module", "signature")["input_specs"]):
            ((kind, entry),) = _object(spec).items()
            argument = _object(entry, "arg")
            tensor = _object(argument, "as_tensor") if argument.get("as_tensor") else argument
            name = str(tensor["name"] if tensor is not argument else tensor.get("name", ""))
            if kind == "user_input":
                self.inputs += [name] if name else []
            elif name in self.sizes:
                named = _object(entry)
                own = next((named[key] for key in named if key.endswith("_name")), name)
                self.arrays[name] = StoredArray("float32", self.sizes[name], None, name=str(own))
        nodes = _list(graph["nodes"])
        if len(nodes) > MAX_NODES:
            raise SpecError(f"{safe(source)} has more than {MAX_NODES:,} operators")
        self.nodes = [_node(_object(node)) for node in nodes]
        self.outputs = [
            str(_object(output, "as_tensor")["name"])
            for output in _list(graph["outputs"])
            if "as_tensor" in _object(output)
        ]
        self.modules = Counter(node.module for node in self.nodes)
        if not self.inputs:
            raise SpecError(f"{safe(source)} has no tensor as an input")

    @property
    def shape(self) -> Shape:
        """The input that it was exported for, (channels, *lengths)."""
        sizes = self.sizes[self.inputs[0]]
        return sizes[1:] if len(sizes) > 1 else sizes

    def network(self, shape: Shape, given: tuple[Given, ...] = ()) -> Network:
        """The network, which is valid only for the sizes that it was exported with."""
        others = [x for x in given if x.shape and x.shape != self.sizes.get(x.name)]
        if shape != self.shape or (others and others[0].name in self.inputs[1:]):
            texts = (f"{name} {'x'.join(map(str, self.sizes[name]))}" for name in self.inputs)
            sizes = ", ".join(texts)
            raise UnfitError(f"{safe(self.source)} was exported for {safe(sizes)} only")
        graph = TensorGraph()
        known: dict[str, Value] = {**self.arrays}
        input_size = self.sizes[self.inputs[0]]
        known[self.inputs[0]] = traced(INPUT, input_size)
        stopped = None
        node = None
        try:
            if input_size[0] != 1 and len(input_size) > 1:
                raise Halt(
                    f"it was exported with a batch of {input_size[0]}; export it with one image"
                )
            for name in self.inputs[1:]:
                known[name] = graph.further_input(safe(name), self.sizes[name])
            for node in self.nodes:
                self._append(node, graph, known)
        except Halt as halt:
            at = (
                f"; it is {safe(node.operator)[:60]} in {node.module or 'the model'}"
                if node
                else ""
            )
            stopped = Stopped(f"{halt}{at}", None, halt.unfit)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            if isinstance(error, SpecError | UnfitError):
                raise
            operator = safe(node.operator)[:60] if node else "the input"
            stopped = Stopped(f"{operator} does not have PyTorch's form")
        ends = [known[name] for name in self.outputs if name in known]
        network = graph.network(ends, stopped)
        nodes = tuple(x.node for x in ends if isinstance(x, Traced))
        return network._replace(
            redo=self.network,
            notes=self._notes(graph),
            outputs=nodes,
            sizes_alone="an exported program",
        )

    def _append(self, node: _Node, graph: TensorGraph, known: dict[str, Value]) -> None:
        call = _Call(node, known, graph, self)
        read = OPERATORS.get(node.operator.rpartition("torch.ops.")[2].split(".")[1])
        result = read(call) if read else None
        known[node.outputs[0]] = result if result is not None else call.operation(node.outputs[0])
        for name in node.outputs[1:]:
            if name in self.sizes:
                known[name] = call.operation(name)

    def name(self, node: _Node) -> str:
        """The name of an operator without weights: its module, or a number in it."""
        if not node.module:
            return ""
        return node.module if self.modules[node.module] == 1 else f"{node.module}/"

    def _notes(self, graph: TensorGraph) -> tuple[str, ...]:
        notes = graph.notes()
        if len(self.inputs) > 1:
            names = ", ".join(safe(name) for name in self.inputs[1:])
            notes.append(f"inputs besides {safe(self.inputs[0])}, as they were exported: {names}")
        return tuple(notes)


class _Call(NamedTuple):
    """An operator with the tensors that it reads."""

    node: _Node
    known: dict[str, Value]
    graph: TensorGraph
    program: _Program

    @property
    def output(self) -> Shape:
        return self.program.sizes[self.node.outputs[0]]

    @property
    def name(self) -> str:
        return self.program.name(self.node)

    def tensors(self) -> list[Value]:
        """All tensors among the arguments, in their order."""
        tensors = []
        for value in self.node.arguments.values():
            items = value if isinstance(value, list) else [value]
            tensors += [self.known[item.name] for item in items if isinstance(item, _Tensor)]
        return tensors

    def tensor(self, *names: str) -> Value | None:
        for name in names:
            value = self.node.arguments.get(name)
            if isinstance(value, _Tensor):
                return self.known[value.name]
        return None

    def x(self) -> Value:
        value = self.tensor("input", "self", "x")
        if value is None:
            raise Halt("it reads no tensor")
        return value

    def array(self, name: str) -> StoredArray | None:
        value = self.tensor(name)
        return value if isinstance(value, StoredArray) else None

    def record(self, name: str, options: Sequence[str], *args: object, **more: object) -> Layer:
        """A layer of PyTorch's vocabulary, with arguments of the operator as options."""
        given = {option: self.node.arguments.get(option) for option in options}
        named = {option: value for option, value in given.items() if value not in UNSAID}
        try:
            return names_of("PyTorch")[name](*args, **named, **more)
        except SpecError as error:
            raise Halt(str(error)) from None

    def value(self, name: str, default: object) -> object:
        value = self.node.arguments.get(name)
        return default if value is None else value

    def layer(self, record: Layer, *arrays: StoredArray | None) -> Value:
        """Append a layer, and check that its output has the size in the file."""
        owners = (weight_owner(array.name) for array in arrays if array is not None)
        weights = dict(zip(ROLES, arrays, strict=False))
        y = self.graph.layer(record, self.x(), next(owners, "") or self.name, weights)
        if y.shape != self.output:
            raise Halt(f"it gives {y.shape}, but the file says {self.output}")
        return y

    def operation(self, output: str, macs: int = 0) -> Value:
        """Append an operation with the size in the file."""
        kind = self.node.operator.split(".")[-2] if "." in self.node.operator else "operation"
        sources = [
            self.graph.source(value, value.name != "", weight_owner(value.name) or value.name)
            if isinstance(value, StoredArray)
            else value
            for value in self.tensors()
        ]
        return self.graph.operation(
            safe(kind), sources, self.program.sizes[output], macs=macs, name=self.name
        )


ROLES = ("weight", "bias", "running_mean", "running_var")
"""Arrays of a layer, by their names in PyTorch."""


UNSAID: tuple[object, ...] = (None, [], "same", "valid")
"""Arguments that are left to the defaults of a layer: a named padding is set by itself."""


class _Tensor(NamedTuple):
    name: str


def _object(value: object, *path: str) -> Json:
    """The object under some keys. Raises TypeError, KeyError."""
    for key in path:
        value = _object(value)[key]
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _sizes(value: object) -> Shape:
    sizes = [_size(_object(size)) for size in _list(_object(value)["sizes"])]
    if any(size < 0 for size in sizes) or prod(sizes) > 10**15:
        raise ValueError("sizes that no tensor has")
    return tuple(sizes)


def _size(size: Json) -> int:
    """A size; for a dynamic one, the size it was exported with."""
    if "as_expr" in size:
        size = _object(size, "as_expr", "hint")
    value = size["as_int"]
    if type(value) is not int:
        raise TypeError("a size that is not a number")
    return value


def _node(entry: Json) -> _Node:
    arguments = {
        str(_object(value)["name"]): _argument(_object(value, "arg"))
        for value in _list(entry["inputs"])
    }
    outputs: list[str] = []
    for output in _list(entry["outputs"]):
        for kind, value in _object(output).items():
            if kind == "as_tensor":
                outputs.append(str(_object(value)["name"]))
            elif kind == "as_tensors":
                outputs += [str(_object(tensor)["name"]) for tensor in _list(value)]
    if not outputs:
        raise ValueError("an operator without outputs")
    stack = str(_object(entry.get("metadata") or {}).get("nn_module_stack", ""))
    parts = stack.split(";")[-1].split(",") if stack else []
    return _Node(str(entry["target"]), arguments, outputs, safe(parts[1]) if parts[1:] else "")


def _argument(argument: Json) -> object:
    ((kind, value),) = argument.items()
    if kind == "as_tensor":
        return _Tensor(str(_object(value)["name"]))
    if kind == "as_tensors":
        return [_Tensor(str(_object(tensor)["name"])) for tensor in _list(value)]
    return None if kind == "as_none" else value


def _conv(call: _Call) -> Value | None:
    weight, bias = call.array("weight"), call.array("bias")
    if weight is None or len(weight.shape) < 3:
        return None
    axes, groups = len(weight.shape) - 2, call.value("groups", 1)
    if not isinstance(groups, int) or groups < 1:
        raise Halt("groups is not a number")
    first, second, *kernel = weight.shape
    if call.value("transposed", False) or "transpose" in call.node.operator:
        name, sizes = f"ConvTranspose{axes}d", (first, second * groups, kernel)
        record = call.record(name, (*WINDOW, "output_padding"), *sizes, bias=bias is not None)
    else:
        sizes = second * groups, first, kernel
        record = call.record(f"Conv{axes}d", WINDOW, *sizes, bias=bias is not None)
        if isinstance(record, Conv) and call.value("padding", 0) == "same":
            same: Padding = "same"
            record = record._replace(padding=(same,) * axes)
    return call.layer(record, weight, bias)


WINDOW = ("stride", "padding", "dilation", "groups")
POOL = ("kernel_size", "stride", "padding", "ceil_mode")
SIZE = "output_size"


def _windowed(name: str, *options: str) -> Callable[[_Call], Value | None]:
    """A layer of PyTorch's without weights, whose arguments have the names of its function's."""
    return lambda call: call.layer(call.record(name, options))


def _linear(call: _Call) -> Value | None:
    weight, bias = call.array("weight"), call.array("bias")
    if weight is None or len(weight.shape) != 2:
        return None
    record = Linear(weight.shape[0], bias is not None, weight.shape[1], over="axis")
    return call.layer(record, weight, bias)


def _batch_norm(call: _Call) -> Value | None:
    arrays = [call.array(role) for role in ROLES]
    present = [array for array in arrays if array is not None]
    if not present or arrays[2] is None:
        return None
    vectors = sum(array is not None for array in arrays[:2])
    eps = call.value("eps", 1e-5)
    record = Norm(
        "batch",
        vectors,
        present[0].elements,
        tracked=True,
        eps=float(eps) if isinstance(eps, int | float) else 1e-5,
    )
    return call.layer(record, *arrays)


def _layer_norm(call: _Call) -> Value | None:
    shape = call.value("normalized_shape", None)
    weight, bias = call.array("weight"), call.array("bias")
    if not isinstance(shape, list) or weight is None:
        return None
    record = Norm("layer", 1 + (bias is not None), shape=tuple(int(n) for n in shape))
    return call.layer(record, weight, bias)


def _group_norm(call: _Call) -> Value | None:
    weight, bias, groups = call.array("weight"), call.array("bias"), call.value("num_groups", 1)
    if weight is None or bias is None or not isinstance(groups, int):
        return None
    record = Norm("group", 2, weight.elements, groups)
    return call.layer(record, weight, bias)


def _layer(record: Layer) -> Callable[[_Call], Value | None]:
    return lambda call: call.layer(record)


def _concat(call: _Call) -> Value | None:
    axis, rank = call.value("dim", 0), len(call.output)
    if not isinstance(axis, int) or not rank:
        return None
    tensors = [call.graph.source(value) for value in call.tensors()]
    return call.graph.concat(tensors, axis % rank, call.name)


def _product(call: _Call) -> Value:
    """A matrix product: its multiply–accumulates count if one side is a weight."""
    sides = [value for value in call.tensors() if len(value.shape) > 1]
    if "addmm" in call.node.operator or "baddbmm" in call.node.operator:
        sides = [
            value for name in ("mat1", "mat2", "batch1", "batch2") if (value := call.tensor(name))
        ]
    inner = sides[0].shape[-1] if sides else 1
    macs = call.graph.product_macs(sides, prod(call.output) * inner)
    return call.operation(call.node.outputs[0], macs)


def _attention(call: _Call) -> Value:
    """softmax(Q·Kᵀ)·V: two products of activations."""
    query, key = call.tensor("query"), call.tensor("key")
    if query is not None and key is not None and len(query.shape) > 1 and len(key.shape) > 1:
        call.graph.activation_macs += (
            prod(query.shape) * key.shape[-2] + prod(call.output) * (key.shape[-2])
        )
    return call.operation(call.node.outputs[0])


def _same(call: _Call) -> Value | None:
    x = call.x()
    return x if isinstance(x, Traced) and x.shape == call.output else None


RESHAPES = ("view", "reshape", "flatten", "unflatten", "_unsafe_view", "squeeze", "unsqueeze")
SAME = ("contiguous", "clone", "alias", "detach", "to", "_to_copy", "lift_fresh_copy")
PRODUCTS = ("matmul", "mm", "bmm", "addmm", "baddbmm")
ACTIVATIONS = (
    *("relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "tanh"),
    *("sigmoid", "softmax", "log_softmax", "hard_swish", "hard_sigmoid", "hard_tanh"),
)

OPERATORS: dict[str, Callable[[_Call], Value | None]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _conv),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _conv),
    "linear": _linear,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm,
    "group_norm": _group_norm,
    **{f"max_pool{n}d": _windowed(f"MaxPool{n}d", *POOL, "dilation") for n in (1, 2, 3)},
    **{f"avg_pool{n}d": _windowed(f"AvgPool{n}d", *POOL, "count_include_pad") for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": _windowed(f"AdaptiveAvgPool{n}d", SIZE) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": _windowed(f"AdaptiveMaxPool{n}d", SIZE) for n in (1, 2, 3)},
    **{
        name.replace("hard_", "hard") + in_place: _layer(Activation(name))
        for name in ACTIVATIONS
        for in_place in ("", "_")
    },
    **dict.fromkeys(RESHAPES, lambda call: call.graph.reshaped(call.x(), call.output, call.name)),
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(PRODUCTS, _product),
    "dropout": _layer(Identity("dropout")),
    "cat": _concat,
    "scaled_dot_product_attention": _attention,
}
"""The layers of ATen operators; other operators are operations with the sizes in the file."""
