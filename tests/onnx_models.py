"""ONNX models made for tests, and how a network of a file is run beside ONNX's own reference."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from convcli.nets.analysis.summary import trace
from convcli.nets.graph import INPUT
from convcli.nets.layers.tensor_ops import per_image
from convcli.nets.readers.onnx.model_file import read_model
from convcli.nets.readers.onnx.reader import Translation
from convcli.nets.readers.tensor_graph import Traced, traced
from convcli.nets.stored_arrays import StoredArray
from convcli.runtime.executor import walk
from convcli.runtime.stored import array_of, arrays_of
from convcli.runtime.weights import slots


def model_of(nodes, inputs, outputs, arrays=(), opset=17, producer="test"):
    """A model: `inputs` and `outputs` are shapes by name, `arrays` are weights by name."""
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "graph",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [
            numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
            for name, value in dict(arrays).items()
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], producer_name=producer, ir_version=8
    )


def reference(model, x):
    """What ONNX's reference makes of x, the first output."""
    return ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})[0]


class Whole(Translation):
    """A model read for whole arrays, the batch among them: the node tests have batches of several.

    Its other inputs are arrays of the file.
    """

    def __init__(self, model, arrays):
        self.arrays = arrays
        super().__init__(read_model(memoryview(model.SerializeToString())), "test.onnx")

    def _has_channels_last(self, value):
        return False

    def _inputs(self, shape):
        first = self.inputs[0]
        return {first.name: traced(INPUT, self.arrays[0].shape)._replace(type=first.type)}

    def _further_inputs(self, graph, given):
        pairs = zip(self.inputs[1:], self.arrays[1:], strict=False)
        return {value.name: stored(array, value.name) for value, array in pairs}

    def _append(self, node, graph, known, absorbed):
        self.known = known
        super()._append(node, graph, known, absorbed)

    def run(self):
        """Every output that is known, by name. Raises Refusal."""
        x = self.arrays[0]
        shape = per_image(x.shape)
        network = self.at(shape)
        if network.stopped:
            raise network_refusal(network)
        rows = trace(network, shape).rows
        names = [*slots(rows), *(row.name for row in rows if not row.inputs)]
        values = {INPUT: x.astype(np.float32).reshape(shape)}
        for step in walk(rows, values[INPUT], arrays_of(network.weights, names)):
            values[step.row.name] = step.maps
        return [
            self.value(self.known[one.name], values)
            for one in self.model.graph.outputs
            if self.known.get(one.name) is not None
        ]

    def value(self, result, values):
        if isinstance(result, Traced):
            return values[result.node].reshape(result.stored).transpose(result.order)
        return array_of(result)


def network_refusal(network):
    from convcli.errors import SpecError

    return SpecError(network.stopped.message)


def stored(array, name):
    data = memoryview(np.ascontiguousarray(array).tobytes())
    return StoredArray(str(array.dtype), array.shape, data, name=name)
