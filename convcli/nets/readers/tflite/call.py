"""One operator: its inputs, as maps with channels first, and the layers it becomes."""

from math import prod

from convcli.nets.layers import Activation, Layer, Shape
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, Value, traced
from convcli.nets.readers.tflite.model_file import ModelFile, OperatorFile
from convcli.nets.stored_arrays import StoredArray
from convcli.records import NamedTuple
from convcli.text import safe

LAST = (0, 2, 3, 1)
"""The axis order of maps with channels last, relative to a layer's output."""


RELU1 = Activation("hard_tanh", values=(("min_val", -1.0), ("max_val", 1.0)))
FUSED = {1: Activation("relu"), 2: RELU1, 3: Activation("relu6"), 4: Activation("tanh")}
"""Activations that are part of another operator."""


def channels_last(node: str, shape: Shape) -> Traced:
    """The output of a node as in the file: maps with channels last."""
    if len(shape) != 4:
        return traced(node, shape)
    return Traced(node, (shape[0], shape[3], *shape[1:3]), LAST)


class Call(NamedTuple):
    """An operator with its inputs."""

    operator: OperatorFile
    known: dict[int, Value]
    graph: TensorGraph
    model: ModelFile

    @property
    def output(self) -> Shape:
        return self.model.shapes[self.operator.outputs[0]]

    @property
    def name(self) -> str:
        """The layer name in the output's name: `model/conv/Conv2D;model/bn/…`."""
        text = self.model.names[self.operator.outputs[0]].split(";")[0]
        parts = [part for part in text.strip("/").split("/") if part]
        return safe(".".join(parts))[:100]

    def value(self, index: int) -> Value:
        return self.known[self.operator.inputs[index]]

    def maybe(self, index: int) -> Value | None:
        inputs = self.operator.inputs
        return self.known[inputs[index]] if index < len(inputs) and inputs[index] >= 0 else None

    def maps(self, index: int = 0) -> Traced:
        """Maps with channels first, as layers take them."""
        return self.channels_first(self.value(index))

    def channels_first(self, value: Value) -> Traced:
        x = self.graph.source(value)
        if len(x.order) != 4:
            return self.graph.settled(x)
        back = tuple(x.order[axis] for axis in (0, 3, 1, 2))
        return self.graph.settled(Traced(x.node, x.stored, back))

    def array(self, index: int) -> StoredArray:
        value = self.maybe(index)
        if not isinstance(value, StoredArray):
            raise Halt("weights that are computed while it runs are not read")
        return value

    def bias(self, index: int) -> StoredArray | None:
        """The bias of a layer, unless it is zeros that a converter shares among layers."""
        value = self.maybe(index)
        if not isinstance(value, StoredArray) or self.graph.is_filler(value):
            return None
        return value

    def layer(
        self,
        record: Layer,
        x: Traced,
        weight: StoredArray | None = None,
        bias: StoredArray | None = None,
    ) -> Value:
        """Append a layer on maps."""
        y = self.graph.layer(record, x, self.name, {"weight": weight, "bias": bias})
        output = channels_last(y.node, self.output)
        if prod(output.stored) != prod(y.stored):
            raise Halt(f"it gives {y.stored}, and the file says {self.output}")
        return output

    def activated(self, value: Value, field: int) -> Value:
        """The activation that the options name, applied after a layer."""
        kind = FUSED.get(self.operator.number(field, "b"))
        if kind is None or not isinstance(value, Traced):
            return value
        return self.graph.layer(kind, value, f"{self.name}/")

    def operation(self, index: int = -1) -> Value:
        """An operation with the sizes in the file."""
        output = self.model.shapes[self.operator.outputs[0] if index < 0 else index]
        values = [self.known[index] for index in self.operator.inputs if index >= 0]
        kind = self.operator.name.lower()
        if len(values) == 1 and values[0].shape == output and isinstance(values[0], Traced):
            return self.graph.elementwise(kind, values[0], name=self.name)
        sources: list[Value] = [value for value in values if isinstance(value, Traced)]
        if not sources:
            name = next((x.name for x in values if isinstance(x, StoredArray)), "")
            return StoredArray("float32", output, None, name=name)
        if len(output) == 4 and all(len(value.shape) == 4 for value in sources):
            # of maps, which stay channels first
            maps = [self.channels_first(value) for value in sources]
            last = channels_last("", output)
            y = self.graph.operation(kind, maps, last.stored, name=self.name)
            return last._replace(node=y.node)
        return self.graph.operation(kind, sources, output, name=self.name)
