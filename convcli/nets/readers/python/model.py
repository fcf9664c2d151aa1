"""`model.py:Name(args)` → the network it builds, read anew for inputs of another size."""

from math import prod
from typing import NamedTuple

from convcli.errors import Refusal, SpecError
from convcli.nets.graph import INPUT, Network, Node, Stopped
from convcli.nets.layers import Identity, Shape
from convcli.nets.layers.tensor_ops import Free, Unused
from convcli.nets.readers.python.interpreter import ModelInterpreter, deep_recursion
from convcli.nets.readers.python.keras.layers import LAYER
from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.graph_recorder import GraphRecorder
from convcli.nets.readers.python.language.objects import (
    Function,
    Instance,
    ReadError,
    ShapeMismatch,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.torch import nn_module, nn_weights
from convcli.text import power_text

MAX_OUTPUTS = 1000
"""Tensors of one model that are its outputs; those behind them are left out."""


class Model(NamedTuple):
    """A module that was built, and the interpreter that runs it for an input."""

    interpreter: ModelInterpreter
    root: Instance
    label: str

    def at(self, shape: Shape) -> Network:
        """Its network for an input `(channels, *lengths)`."""
        interpreter = self.interpreter
        recorder = interpreter.start_run(self.root)
        outputs, stopped = _run(interpreter, self.root, shape)
        if outputs and not stopped:
            _end_with_first(recorder, outputs)
        names = tuple(filter(None, map(recorder.node_name, outputs)))
        mark_weights(interpreter, recorder)
        network = recorder.network(names) if names and not stopped else recorder.network(())
        modules = list(nn_module.walk(self.root))
        nodes = _with_owners(interpreter, modules, network.nodes)
        rest = [] if stopped else _unused(interpreter, modules, network)
        reason = None
        if stopped is not None:
            unfit = isinstance(stopped, ShapeMismatch)
            reason = Stopped(str(stopped), stopped.where, unfit=unfit)
        return Network(
            (*rest, *nodes),
            self.at if recorder.size_dependent else None,
            reason,
            notes_of(recorder, rest, outputs),
        )


def _outputs_of(value: Value) -> list[Tensor]:
    """The tensors in what a forward returns, in their order."""
    tensors: list[Tensor] = []
    waiting: list[Value] = [value]
    seen: set[int] = set()
    while waiting and len(tensors) < MAX_OUTPUTS:
        item = waiting.pop(0)
        if id(item) in seen and not isinstance(item, Tensor):
            continue
        seen.add(id(item))
        if isinstance(item, Tensor):
            tensors.append(item)
        elif isinstance(item, list | tuple):
            waiting[:0] = item[:MAX_OUTPUTS]
        elif isinstance(item, dict):
            waiting[:0] = list(item.values())[:MAX_OUTPUTS]
        elif isinstance(item, Instance):
            waiting[:0] = list(item.attrs.values())[:MAX_OUTPUTS]
    return tensors


def _check_one_input(root: Instance) -> None:
    """Refuses a model whose forward needs more than one value."""
    forward = root.cls.find("forward")
    if not isinstance(forward, Function):
        return
    parameters = forward.node.args
    names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)][1:]
    needed = names[: len(names) - len(forward.defaults)] if forward.defaults else names
    if len(needed) > 1:
        raise ReadError(
            f"forward takes {len(needed)} inputs, {', '.join(needed)}; models of one are read",
            forward.file.where(forward.node),
        )


def _run(
    interpreter: ModelInterpreter, root: Instance, shape: Shape
) -> tuple[list[Tensor], ReadError | None]:
    """The outputs of a forward run on one image, and what stopped it, if something did."""
    outputs: list[Tensor] = []
    try:
        with deep_recursion():
            _check_one_input(root)
            image = Tensor((1, *shape), INPUT)
            image.channels_last = root.cls.is_a(LAYER)
            result = interpreter.call(root, [image], {})
            outputs = _outputs_of(result)
            if not outputs:
                where = result.where if isinstance(result, Unknown) else None
                text = f"the model gives {describe(result)}, which is not a tensor"
                raise ReadError(text, where)
    except ReadError as error:
        return outputs, error
    except SpecError as error:
        return outputs, ReadError(str(error))
    except Refusal as error:
        return outputs, ShapeMismatch(str(error))
    return outputs, None


def _end_with_first(recorder: GraphRecorder, outputs: list[Tensor]) -> None:
    """End the network with its first output, whatever order its outputs were made in."""
    nodes = recorder.builder.nodes
    first = recorder.node_name(outputs[0])
    if not nodes or first in ("", INPUT, nodes[-1].name):
        return
    needed = set(map(recorder.node_name, outputs))
    last = [node.name for node in recorder.network(tuple(needed)).nodes][-1:]
    if last != [first]:
        recorder.scope = ""
        outputs[0] = recorder.append(
            Identity("output"), [outputs[0]], outputs[0].shape, name="output"
        )


def _with_owners(
    interpreter: ModelInterpreter, modules: list[tuple[str, Instance]], nodes: tuple[Node, ...]
) -> tuple[Node, ...]:
    """The nodes; weights that stand alone and belong to a layer among them are that layer's."""
    sharing = [module for _, module in modules if module.shared]
    if not sharing:
        return nodes
    layers = {node.name for node in nodes if not isinstance(node.layer, Free)}
    owners: dict[str, str] = {}
    for module in sharing:
        name = interpreter.leaf(module).name
        if name in layers:
            owners |= {
                interpreter.recorder.node_name(tensor): name
                for tensor in module.shared.values()
                if tensor.holder is module
            }
    return tuple(node._replace(owner=owners.get(node.name, node.owner)) for node in nodes)


def _unused(
    interpreter: ModelInterpreter, modules: list[tuple[str, Instance]], network: Network
) -> list[Node]:
    """The weights that the model holds and its output does not need."""
    node_name = interpreter.recorder.node_name
    used = {node.name for node in network.nodes}
    owners = used | {node.owner for node in network.nodes if node.owner}
    unused: list[Node] = []
    seen: set[int] = set()
    for path, module in modules:
        own = dict(nn_module.parameters(module))
        if module.leaf is not None:
            record = module.leaf.layer
            name = path or record.type
            if interpreter.recorder.builder.first_name(interpreter.leaf(module)) not in owners:
                shared = module.shared.items()
                elsewhere = {key for key, tensor in shared if node_name(tensor) in used}
                weights = nn_weights.unused(record, elsewhere, nn_weights.frozen_roles(module))
                if weights is not None:
                    unused.append(Node(name if name not in used else f"{name}#0", weights, ()))
        for name, tensor in own.items():
            if (
                id(tensor) in seen
                or node_name(tensor) in used
                or tensor.holder not in (None, module)
            ):
                continue
            seen.add(id(tensor))
            label = f"{path}.{name}" if path else name
            size = prod(tensor.shape)
            weights = Unused("parameter, unused", size, frozen=size * tensor.frozen)
            unused.append(Node(label, weights, ()))
    return unused


def mark_weights(interpreter: ModelInterpreter, recorder: GraphRecorder) -> None:
    """Say of the nodes of a run which of their weights are frozen."""
    for module in recorder.applied.values():
        roles = nn_weights.frozen_roles(module)
        if roles:
            recorder.builder.frozen[recorder.builder.first_name(interpreter.leaf(module))] = roles


def notes_of(recorder: GraphRecorder, rest: list[Node], outputs: list[Tensor]) -> tuple[str, ...]:
    notes: list[str] = []
    if rest:
        params = sum(node.layer.measure().params for node in rest)
        names = ", ".join(node.name for node in rest[:4]) + (", …" if len(rest) > 4 else "")
        if params:
            notes.append(
                f"{names}: the output needs none of their {power_text(params)} parameters, "
                "which are in the totals"
            )
    if recorder.activation_macs:
        notes.append(
            f"products of activations take {recorder.activation_macs:,} multiply–accumulates more, "
            "which no weight is part of"
        )
    if len(outputs) > 1:
        sizes = ", ".join("x".join(map(str, output.shape[1:])) for output in outputs[:6])
        notes.append(f"the model gives {len(outputs)} tensors (channels first): {sizes}")
    return tuple(notes)
