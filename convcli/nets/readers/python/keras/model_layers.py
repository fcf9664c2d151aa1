"""The layers of a `Model(inputs, outputs)`, in Keras's order."""

from collections.abc import Sequence

from convcli.nets.graph import INPUT, Leaf, Node
from convcli.nets.layers.tensor_ops import Input
from convcli.nets.readers.python.language.objects import Class, Instance, Tensor
from convcli.nets.readers.python.language.protocol import Interpreter

ACTIVATION = "activation()"
"""The attribute of a layer that holds its activation, which is a node of its own here."""


def layers_behind(
    interpreter: Interpreter, outputs: Sequence[Tensor], layer: Class
) -> list[Instance]:
    """The layers between inputs and outputs; `layer` is the class of those without a layer here.

    Layers farthest from the outputs come first; at equal distance, those that the walk from the
    outputs to the inputs visits first (`map_graph` of `keras/src/ops/function.py`).
    """
    recorder = interpreter.recorder
    nodes = {node.name: node for node in recorder.builder.nodes}
    instances: dict[str, Instance] = {}
    activations: set[str] = set()
    for instance in recorder.applied.values():
        instances[recorder.builder.first_name(interpreter.leaf(instance))] = instance
        follows = instance.attrs.get(ACTIVATION)
        if isinstance(follows, Leaf):
            name = recorder.builder.first_name(follows)
            instances[name] = instance
            activations.add(name)
    inputs = {
        name: _inputs(node, nodes, (node.owner or name) in activations)
        for name, node in nodes.items()
    }
    order = _walked([recorder.node_name(tensor) for tensor in outputs], inputs)
    operations: dict[str, Instance] = {}
    for name in order:
        key = nodes[name].owner or name if name in nodes else name
        operations[name] = instances.setdefault(key, Instance(layer))
    depths, farthest = dict.fromkeys(order, 0), dict.fromkeys(map(id, operations.values()), 0)
    for name in _finished(order, inputs):
        operation = id(operations[name])
        depths[name] = farthest[operation] = max(depths[name], farthest[operation])
        for source in inputs.get(name, ()):
            depths[source] = max(depths[source], depths[name] + 1)
    unique = {id(operation): operation for operation in operations.values()}
    return sorted(unique.values(), key=lambda operation: -farthest[id(operation)])


def _inputs(node: Node, nodes: dict[str, Node], follows: bool) -> tuple[str, ...]:
    """The nodes of layers that a layer reads; an activation reads what its layer does."""
    names = nodes[node.inputs[0]].inputs if follows and node.inputs[0] in nodes else node.inputs
    return tuple(
        name
        for name in names
        if name == INPUT or nodes[name].inputs or isinstance(nodes[name].layer, Input)
    )


def _walked(outputs: Sequence[str], inputs: dict[str, tuple[str, ...]]) -> list[str]:
    """Nodes in the order of the first visit, depth first."""
    order: dict[str, None] = {}
    waiting = list(reversed(outputs))
    while waiting:
        name = waiting.pop()
        if name not in order:
            order[name] = None
            waiting += reversed(inputs.get(name, ()))
    return list(order)


def _finished(order: Sequence[str], inputs: dict[str, tuple[str, ...]]) -> list[str]:
    """The same nodes, each before all of its inputs."""
    readers = dict.fromkeys(order, 0)
    for name in order:
        for source in inputs.get(name, ()):
            readers[source] += 1
    ready = [name for name in order if not readers[name]]
    finished: list[str] = []
    while ready:
        name = ready.pop()
        finished.append(name)
        for source in inputs.get(name, ()):
            readers[source] -= 1
            if not readers[source]:
                ready.append(source)
    return finished
