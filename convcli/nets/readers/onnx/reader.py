"""An ONNX file → the graph of its network, for any number of input shapes."""

import os
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from convcli.errors import SpecError, UnfitError
from convcli.nets.graph import INPUT, Given, Network, Reading, Stopped
from convcli.nets.input_size import OpenShape
from convcli.nets.layers import Shape
from convcli.nets.readers.onnx.call import Call, Operator
from convcli.nets.readers.onnx.constants import fold
from convcli.nets.readers.onnx.elementwise import ELEMENTWISE
from convcli.nets.readers.onnx.indexing import INDEXING
from convcli.nets.readers.onnx.layers import LAYERS
from convcli.nets.readers.onnx.model_file import ModelFile, NodeFile, ValueFile, open_model
from convcli.nets.readers.onnx.tensors import TENSORS
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, Value, module_path
from convcli.nets.stored_arrays import StoredArray
from convcli.text import counted, safe

OPERATORS: dict[str, Operator] = {**LAYERS, **ELEMENTWISE, **TENSORS, **INDEXING}
"""The layers of each operator of the domain ai.onnx."""

OWN_DOMAINS = ("", "ai.onnx")

NOT_READ = {
    "If": "a graph that depends on values",
    **dict.fromkeys(("Loop", "Scan"), "a graph that runs many times"),
    **dict.fromkeys(
        ("NonZero", "NonMaxSuppression", "Unique", "Compress"), "a size that depends on values"
    ),
    **dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"), "a quantized kernel"
    ),
}
"""Operators that stop the reading, and why."""


def read_onnx(path: str) -> Reading:
    """The network of an .onnx file; its weights stay in the file. Raises SpecError, Refusal."""
    model = open_model(path)
    translation = Translation(model, os.path.basename(path))
    producer = safe(model.producer)[:40]
    about = f"ONNX file by {producer}, opset {model.opset}" if producer else "ONNX file"
    network = Network(
        (),
        redo=translation.at,
        weights=translation.constants,
        parameters=tuple(value.name for value in translation.inputs),
    )
    return Reading(network, translation.input_shape(), about)


class Translation:
    """One model; its constants are computed once for all inputs."""

    def __init__(self, model: ModelFile, source: str) -> None:
        self.model, self.source = model, source
        graph = model.graph
        self.inputs = [value for value in graph.inputs if value.name not in graph.tensors]
        if not self.inputs:
            raise SpecError(f"{safe(source)} has no input")
        self.constants: dict[str, StoredArray] = dict(graph.tensors)
        self.nodes = self._fold_arrays(graph.nodes)
        self.readers = Counter(name for node in self.nodes for name in node.inputs)
        self.readers.update(value.name for value in graph.outputs)
        self.modules = Counter(map(_module, self.nodes))
        self.additions = {
            name: node for node in self.nodes if node.operator == "Add" for name in node.inputs
        }
        self.at = lru_cache(maxsize=4)(self.network)
        """The network per input; a network is walked more than once."""
        self.channels_last = self._has_channels_last(self.inputs[0])

    def input_shape(self) -> OpenShape | None:
        """The shape (channels, *lengths) that the file names; None for a size left open."""
        sizes = self.inputs[0].shape
        if sizes is None or not sizes:
            return None
        known = [size if isinstance(size, int) and size > 0 else None for size in sizes]
        if len(known) == 1:
            return (known[0],)
        rest = known[1:]
        return (rest[-1], *rest[:-1]) if self.channels_last else tuple(rest)

    def _has_channels_last(self, value: ValueFile) -> bool:
        """Whether the input is transposed to channels first, or looks like it."""
        sizes = value.shape or ()
        rank = len(sizes)
        if rank not in (3, 4, 5):
            return False
        turned = (0, rank - 1, *range(1, rank - 1))
        names = {value.name}
        for node in self.nodes:
            if not names & {*node.inputs}:
                continue
            if node.operator == "Transpose":
                if node.attributes.get("perm") == turned:
                    return True
            elif node.operator in ("Conv", "MaxPool", "AveragePool"):
                return False
            elif len(names) < 40 and node.operator in ELEMENTWISE:
                names.add(node.outputs[0])
        return rank == 4 and sizes[-1] in (1, 3, 4) and sizes[1] not in (1, 3, 4)

    def _fold_arrays(self, nodes: Sequence[NodeFile]) -> list[NodeFile]:
        """The nodes that remain after constant folding."""
        left, graph = [], TensorGraph()
        for node in nodes:
            known = [self.constants.get(name) if name else None for name in node.inputs]
            ready = all(
                value is not None for value, name in zip(known, node.inputs, strict=True) if name
            )
            arrays = None
            if ready and node.domain in OWN_DOMAINS:
                try:
                    arrays = fold(Call(node, tuple(known), graph, self.model.opset, set()))
                except (SpecError, IndexError):
                    arrays = None
            if arrays is None:
                left.append(node)
                continue
            for name, array in zip(node.outputs, arrays, strict=False):
                if name and array is not None:
                    self.constants[name] = array
        return left

    def network(self, shape: Shape, given: tuple[Given, ...] = ()) -> Network:
        """The network for an input (channels, *lengths), and for further inputs if given."""
        graph, absorbed = TensorGraph(), set[str]()
        known: dict[str, Value | None] = {**self.constants}
        stopped: Stopped | None = None
        reading: NodeFile | None = None
        try:
            known |= self._inputs(shape) | self._further_inputs(graph, given)
            for reading in self.nodes:
                self._append(reading, graph, known, absorbed)
        except Halt as halt:
            stopped = self._stopped(halt, reading)
        except (IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
            if isinstance(error, UnfitError):
                raise
            operator = safe(reading.operator) if reading else "the input"
            message = f"{operator} does not have ONNX's form ({type(error).__name__})"
            stopped = self._stopped(Halt(message), reading)
        outputs = [known.get(value.name) for value in self.model.graph.outputs]
        named = [value for value in outputs if value is not None]
        network = graph.network(named, stopped)
        return network._replace(redo=self.at, notes=self._notes(graph, outputs))

    def _inputs(self, shape: Shape) -> dict[str, Value | None]:
        sizes = self.inputs[0].shape
        if self.inputs[0].type == "string":
            raise Halt(f"the file's input {safe(self.inputs[0].name)} is text, not numbers")
        rank = len(sizes) if sizes else len(shape) + 1
        stored = (1, *shape) if rank > 1 else shape
        if len(stored) != rank:
            wanted = "x".join(str(size or "?") for size in sizes or ())
            raise Halt(
                f"the file's input has {rank} axes ({safe(wanted)}), the batch among them", True
            )
        order = tuple(range(rank))
        if self.channels_last:
            order = (0, *range(2, rank), 1)
        return {self.inputs[0].name: Traced(INPUT, stored, order, self.inputs[0].type)}

    def _further_inputs(
        self, graph: TensorGraph, given: tuple[Given, ...]
    ) -> dict[str, Value | None]:
        """Inputs after the first, as given or as the file names them; an open batch is 1."""
        further: dict[str, Value | None] = {}
        by_name = {x.name: x.shape for x in given if x.name}
        by_order = [x.shape for x in given if not x.name][1:]
        for value in self.inputs[1:]:
            if value.name in by_name or by_order:
                shape = by_name.get(value.name) or by_order.pop(0)
                further[value.name] = _typed(graph, value, shape)
                continue
            sizes = [
                1 if axis < 2 and not _known(size) else size
                for axis, size in enumerate(value.shape or ())
            ]
            if value.shape is None or not all(_known(size) for size in sizes):
                wanted = "x".join(str(size or "?") for size in value.shape or ())
                raise Halt(
                    f"its input {safe(value.name)} has open sizes, {safe(wanted)}; give it: "
                    f"--input '{safe(value.name)}=(1, …)'"
                )
            shape = tuple(size for size in sizes if isinstance(size, int))
            further[value.name] = _typed(graph, value, shape)
        return further

    def _append(
        self, node: NodeFile, graph: TensorGraph, known: dict[str, Value | None], absorbed: set[str]
    ) -> None:
        for name in node.inputs:
            if name in absorbed:
                known[node.outputs[0]] = known[name]
                return
        inputs = tuple(known[name] if name else None for name in node.inputs)
        following = self._following(node, known)
        name = self._name(node)
        call = Call(node, inputs, graph, self.model.opset, absorbed, name, following)
        results: Sequence[Value | None] | None = None
        if node.domain in OWN_DOMAINS:
            results = fold(call)
        if results is None:
            if node.domain not in OWN_DOMAINS or node.operator not in OPERATORS:
                raise Halt(self._refusal(node))
            result = OPERATORS[node.operator](call)
            results = [result] if isinstance(result, Traced | StoredArray) else [*result]
        for index, (name, value) in enumerate(zip(node.outputs, results, strict=False)):
            if isinstance(value, Traced):
                value = value._replace(type=call.result_type(index))
            if name:
                known[name] = value

    def _refusal(self, node: NodeFile) -> str:
        operator = safe(node.operator)[:60]
        if node.domain not in OWN_DOMAINS:
            return f"{operator} of {safe(node.domain)[:60]} is not an operator of ONNX"
        why = NOT_READ.get(node.operator)
        return f"{operator} is not read: {why}" if why else f"the operator {operator} is not read"

    def _following(self, node: NodeFile, known: dict[str, Value | None]) -> StoredArray | None:
        """The array that the only consumer of a node's output adds to it."""
        if not node.outputs or self.readers[node.outputs[0]] != 1:
            return None
        addition = self.additions.get(node.outputs[0])
        for name in addition.inputs if addition else ():
            value = known.get(name)
            if isinstance(value, StoredArray):
                return value
        return None

    def _name(self, node: NodeFile) -> str:
        module = _module(node)
        return module if module and self.modules[module] == 1 else f"{module}/" if module else ""

    def _stopped(self, halt: Halt, node: NodeFile | None) -> Stopped:
        message = str(halt)
        if node is not None:
            label = node.name or (node.outputs[0] if node.outputs else "")
            message = f"{message}; it is the node {safe(label)[:100]!r} of {safe(self.source)}"
        return Stopped(message, None, halt.unfit)

    def _notes(self, graph: TensorGraph, outputs: Sequence[Value | None]) -> tuple[str, ...]:
        notes = graph.notes()
        if graph.folded:
            notes.append(
                f"the exporter folded batch normalizations into "
                f"{counted(graph.folded, 'convolution')}: the trained model has more parameters"
            )
        if graph.constants:
            notes.append(
                f"{counted(graph.constants, 'number')} of the file belong to no layer, and are "
                f"not in the parameters"
            )
        if len(self.inputs) > 1:
            names = ", ".join(safe(value.name) for value in self.inputs[1:])
            notes.append(
                f"inputs besides {safe(self.inputs[0].name)}, with the file's sizes: {names}"
            )
        shapes = [x.shape for x in outputs if isinstance(x, Traced)]
        if len(shapes) > 1:
            text = ", ".join(
                f"{safe(value.name)} {'x'.join(map(str, x.shape))}"
                for value, x in zip(self.model.graph.outputs, outputs, strict=True)
                if isinstance(x, Traced)
            )
            notes.append(f"{len(shapes)} outputs, as the file has their axes: {text}")
        return tuple(notes)


def _typed(graph: TensorGraph, value: ValueFile, shape: Shape) -> Traced:
    """An input after the first, with its type in the file."""
    return graph.further_input(safe(value.name), shape)._replace(type=value.type)


def _known(size: int | str | None) -> bool:
    return isinstance(size, int) and size > 0


def _module(node: NodeFile) -> str:
    """The path of the module that a node comes from, as the exporter wrote it."""
    if node.operator in ("Shape", "Constant") or not node.outputs:
        return ""
    if len(node.scopes) > 1:
        return safe(node.scopes[-2])
    return safe(module_path(node.name)) if "/" in node.name else ""
