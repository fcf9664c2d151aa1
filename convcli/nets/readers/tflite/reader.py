"""A `.tflite` file → the graph of its network: operators by a table, sizes as in the file.

Maps lie with channels last there, and with channels first in the layers here: a tensor stores its
order, so that no transposes are needed in between.
"""

import mmap
import os
import struct
from functools import partial

from convcli.errors import Refusal, SpecError, UnfitError
from convcli.nets.graph import INPUT, Given, Network, Reading, Stopped
from convcli.nets.layers import Shape
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, Value
from convcli.nets.readers.tflite.call import Call, channels_last
from convcli.nets.readers.tflite.flatbuffers import FlatError
from convcli.nets.readers.tflite.model_file import ModelFile
from convcli.nets.readers.tflite.operators import OPERATORS
from convcli.text import safe

MAX_FILE = 2 << 30


def read_tflite(path: str) -> Reading:
    """The network of a file. Raises SpecError, Refusal."""
    name = os.path.basename(path)
    try:
        if not 8 < os.path.getsize(path) <= MAX_FILE:
            raise SpecError(f"{safe(name)} has {os.path.getsize(path):,} bytes, as no model has")
        with open(path, "rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror}") from None
    try:
        model = ModelFile(data, name)
    except (FlatError, struct.error, IndexError) as error:
        raise SpecError(f"{safe(name)} is not a TFLite model: {error}") from None
    network = Network((), redo=partial(network_of, model), parameters=model.input_names)
    return Reading(
        network, model.shape, f"TFLite file, {safe(model.description)[:60]}".rstrip(", ")
    )


def network_of(model: ModelFile, shape: Shape, given: tuple[Given, ...] = ()) -> Network:
    """The network, which is valid only for the sizes that it was converted for."""
    if shape != model.shape:
        sizes = "x".join(map(str, (*model.shape[1:], model.shape[0])))
        raise UnfitError(f"{safe(model.source)} was converted for an input of {sizes}")
    graph = TensorGraph()
    known: dict[int, Value] = {**model.arrays}
    stopped, operator = None, None
    try:
        input_size = model.shapes[model.inputs[0]]
        if len(input_size) > 1 and input_size[0] != 1:
            raise Halt(f"it was converted for a batch of {input_size[0]}; convert it for one image")
        known[model.inputs[0]] = channels_last(INPUT, input_size)
        for index in model.inputs[1:]:
            known[index] = graph.further_input(safe(model.names[index]), model.shapes[index])
        for operator in model.operators:
            call = Call(operator, known, graph, model)
            own = Call.operation if operator.builtin else OPERATORS["CUSTOM"]
            result = OPERATORS.get(operator.name, own)(call)
            known[operator.outputs[0]] = result
            for index in operator.outputs[1:]:
                known[index] = call.operation(index)
    except Halt as halt:
        at = f"; it is {operator.name}" if operator else ""
        stopped = Stopped(f"{halt}{at}", None, halt.unfit)
    except (KeyError, IndexError, ValueError, OverflowError) as error:
        if isinstance(error, UnfitError):
            raise
        name = operator.name if operator else "the input"
        stopped = Stopped(f"{name} does not have TFLite's form ({type(error).__name__})")
    ends = [known[index] for index in model.outputs if index in known]
    network = graph.network(ends, stopped)
    nodes = tuple(x.node for x in ends if isinstance(x, Traced))
    notes: tuple[str, ...] = ()
    if len(model.inputs) > 1:
        notes = (f"inputs after the first: {', '.join(model.input_names[1:])}",)
    return network._replace(
        redo=partial(network_of, model), outputs=nodes, notes=notes, sizes_alone="a TFLite file"
    )
