"""`model.py:Name(args)` → the network it builds, read anew for inputs of another size."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import prod
from typing import TypeVar

from convcli.errors import Refusal, SpecError
from convcli.nets.graph import INPUT, Given, Network, Node, Stopped
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
from convcli.records import NamedTuple
from convcli.text import counted, like, power_text

T = TypeVar("T")

MAX_OUTPUTS = 1000
"""Maximum output tensors of a model; further ones are left out."""


class Model(NamedTuple):
    """A module that was built, and the interpreter that runs it for an input."""

    interpreter: ModelInterpreter
    root: Instance
    label: str

    def at(self, shape: Shape, given: tuple[Given, ...] = ()) -> Network:
        """Its network for an input `(channels, *lengths)`, and for further inputs if any."""
        interpreter = self.interpreter
        recorder = interpreter.start_run(self.root)
        outputs, stopped = _run(interpreter, self.root, shape, given)
        if outputs and not stopped:
            _end_with_first(recorder, outputs)
        names = () if stopped else tuple(filter(None, map(recorder.node_name, outputs)))
        recorded = recorded_nodes(interpreter, names)
        modules = list(nn_module.walk(self.root))
        nodes = _with_owners(interpreter, modules, recorded)
        nodes, unregistered = _as_registered(interpreter, modules, nodes)
        rest = [] if stopped else unused_weights(interpreter, modules, recorded)
        redo = self.at if recorder.size_dependent else None
        network = assembled(recorder, rest, nodes, redo, stopped, outputs)
        return network._replace(
            notes=(*network.notes, *unregistered),
            outputs=names,
            sizes_alone=network.sizes_alone or (outputs[0].stand_in if outputs else ""),
        )


def recorded_nodes(interpreter: ModelInterpreter, outputs: tuple[str, ...]) -> tuple[Node, ...]:
    """The nodes that the outputs of a run need, all without any, with their frozen weights."""
    recorder = interpreter.recorder
    for module in recorder.applied.values():
        roles = nn_weights.frozen_roles(module)
        if roles:
            recorder.builder.frozen[recorder.builder.first_name(interpreter.leaf(module))] = roles
    return recorder.network(outputs).nodes


def assembled(
    recorder: GraphRecorder,
    rest: Sequence[Node],
    nodes: Sequence[Node],
    redo: Callable[..., Network] | None,
    refusal: ReadError | None,
    outputs: Sequence[Tensor],
) -> Network:
    """The network of a run, after the weights that its outputs do not use."""
    stopped = None
    if refusal is not None:
        unfit = isinstance(refusal, ShapeMismatch)
        stopped = Stopped(str(refusal), refusal.where, unfit=unfit)
    return Network(
        (*rest, *nodes),
        redo,
        stopped,
        _notes_of(recorder, rest, outputs),
        passed_over=tuple(dict.fromkeys(recorder.passed_over)),
        sizes_alone=recorder.sizes_alone,
    )


def _nested(value: Value, kind: type[T]) -> Iterator[T]:
    """The values of a kind in nested containers and objects, in their order."""
    waiting: list[Value] = [value]
    visited: set[int] = set()
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, kind):
            yield item
            continue
        if id(item) in visited:
            continue
        visited.add(id(item))
        if isinstance(item, list | tuple):
            waiting[:0] = item[:MAX_OUTPUTS]
        elif isinstance(item, dict):
            waiting[:0] = list(item.values())[:MAX_OUTPUTS]
        elif isinstance(item, Instance):
            waiting[:0] = list(item.attrs.values())[:MAX_OUTPUTS]


def parameters_of(root: Instance) -> tuple[str, ...]:
    """The parameters of a model's forward, without those after the first that have a default."""
    forward = root.cls.find("call" if root.cls.is_a(LAYER) else "forward")
    if not isinstance(forward, Function):
        return ()
    first, rest = forward.positional[1:2], forward.positional[2:]
    return (*first, *(name for name in rest if name not in forward.defaults))


def _arguments(
    interpreter: ModelInterpreter, root: Instance, image: Tensor, given: tuple[Given, ...]
) -> tuple[list[Value], dict[str, Value]]:
    """The arguments of a forward: the input, and further ones that are given.

    The input of the walk is the first tensor. Several unnamed ones are the parameters in order or,
    for a single parameter, a list. Raises ReadError for a parameter that is missing, with an
    example of all.
    """
    forward = root.cls.find("forward")
    needed = parameters_of(root)
    if not isinstance(forward, Function):
        return [image], {}
    if not given:
        given = (Given(""),)
    values: list[tuple[str, Value]] = []
    is_first = True
    for number, (name, shape, dtype, plain) in enumerate(given):
        value = plain
        if plain is ...:
            called = name or (needed[number] if number < len(needed) else f"input{number + 1}")
            value = image if is_first else interpreter.recorder.add_input(called, shape, dtype)
            is_first = False
        values.append((name, value))
    args = [value for name, value in values if not name]
    options = {name: value for name, value in values if name}
    takes_all = forward.node.args.vararg is not None
    accepted = [*forward.positional[1:], *forward.keyword_only]
    unknown = [name for name in options if name not in accepted]
    if unknown and forward.node.args.kwarg is None:
        raise ReadError(
            f"forward has no parameter {unknown[0]}{like(unknown[0], accepted)}; it takes "
            f"{', '.join(accepted)}",
            forward.file.where(forward.node),
        )
    if len(args) > 1 and len(accepted) == 1 and not takes_all:
        args = [args]
    missing = [name for name in needed[len(args) :] if name not in options]
    if missing:
        example = " ".join(f"--input '{name}=…'" for name in needed)
        raise ReadError(
            f"forward takes {len(needed)} inputs, {', '.join(needed)}; say what {missing[0]} is: "
            f"{example}, each a size (64x64x3), a tensor's shape ((1, 128)) or a value (True)",
            forward.file.where(forward.node),
        )
    return args, options


def _run(
    interpreter: ModelInterpreter, root: Instance, shape: Shape, given: tuple[Given, ...]
) -> tuple[list[Tensor], ReadError | None]:
    """The outputs of a forward run on one image, and the reason if it stopped early."""
    outputs: list[Tensor] = []
    try:
        with deep_recursion():
            image = Tensor((1, *shape), INPUT)
            image.channels_last = root.cls.is_a(LAYER)
            result = interpreter.call(root, *_arguments(interpreter, root, image, given))
            outputs = list(islice(_nested(result, Tensor), MAX_OUTPUTS))
            if not outputs:
                where = result.where if isinstance(result, Unknown) else None
                text = f"the model gives {describe(result)}, which is not a tensor"
                raise ReadError(text, where)
    except ReadError as error:
        return outputs, error.without_frames()
    except SpecError as error:
        return outputs, ReadError(str(error))
    except Refusal as error:
        return outputs, ShapeMismatch(str(error))
    return outputs, None


def _end_with_first(recorder: GraphRecorder, outputs: list[Tensor]) -> None:
    """End the network with its first output, whatever order its outputs were made in."""
    nodes = recorder.builder.nodes
    first = recorder.node_name(outputs[0])
    if not nodes or first in ("", nodes[-1].name):
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
    """The nodes; separate weights of a layer among them are merged into that layer."""
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


REGISTERING: dict[type, str] = {
    list: "nn.ModuleList",
    tuple: "nn.ModuleList",
    dict: "nn.ModuleDict",
}
"""The classes that register modules, instead of plain containers."""


def _as_registered(
    interpreter: ModelInterpreter, modules: list[tuple[str, Instance]], nodes: tuple[Node, ...]
) -> tuple[tuple[Node, ...], list[str]]:
    """The nodes, with marks on those whose layers PyTorch does not register, and notes on them.

    Keras keeps the layers in lists and dictionaries too.
    """
    if modules[0][1].cls.is_a(LAYER):
        return nodes, []
    recorder, registered = interpreter.recorder, {id(module) for _, module in modules}
    outside = {
        recorder.builder.first_name(interpreter.leaf(module)): module
        for key, module in recorder.applied.items()
        if key not in registered and module.leaf
    }
    marked = tuple(
        node._replace(is_registered=False) if (node.owner or node.name) in outside else node
        for node in nodes
    )
    first = {
        name: module
        for name, module in outside.items()
        if module.leaf and nn_weights.unused(module.leaf.layer, set(), ())
    }
    strays = first.values()
    notes, named = [], set[int]()
    for path, module in modules if strays else ():
        for name, value in module.attrs.items():
            if type(value) not in REGISTERING:
                continue
            objects = {id(x): x for x in islice(_nested(value, Instance), MAX_OUTPUTS)}
            inside = [part for key, part in objects.items() if key not in registered]
            layers = [leaf for part in inside for _, leaf in nn_module.walk(part) if leaf.leaf]
            if layers:
                named.update(map(id, layers))
                label = f"{path}.{name}" if path else name
                kind = type(value)
                notes.append(
                    f"{label} is a {kind.__name__}: PyTorch registers none of its "
                    f"{counted(len(layers), 'layer')} and counts none of their parameters; use "
                    f"{REGISTERING[kind]}"
                )
    rest = [name for name, module in first.items() if id(module) not in named]
    if rest:
        some = ", ".join(rest[:4]) + (", …" if len(rest) > 4 else "")
        notes.append(f"{some}: no attribute of a module holds it, so PyTorch does not count it")
    return marked, notes


def declared_nodes(root: Instance) -> Iterator[Node]:
    """The layers and the parameters that a module holds, in the order it declares them."""
    for path, module in nn_module.walk(root):
        name = path or module.cls.name.lower()
        if module.leaf is not None:
            yield Node(name, module.leaf.layer, (INPUT,))
            continue
        own = [tensor for _, tensor in nn_module.parameters(module)]
        if own:
            sizes = [prod(tensor.shape) for tensor in own]
            frozen = sum(size * tensor.frozen for size, tensor in zip(sizes, own, strict=True))
            yield Node(name, Unused(module.cls.name.lower(), sum(sizes), frozen=frozen), ())


def unused_weights(
    interpreter: ModelInterpreter, modules: list[tuple[str, Instance]], nodes: tuple[Node, ...]
) -> list[Node]:
    """The weights of modules that the output of these nodes does not need."""
    node_name = interpreter.recorder.node_name
    used = {node.name for node in nodes}
    # if the first use of a layer is not needed, a later one holds its weights
    first = {node.name: node.owner or node.name for node in interpreter.recorder.builder.nodes}
    owners = used | {first.get(name, name) for name in used}
    unused: list[Node] = []
    visited: set[int] = set()
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
                    if id(module) in interpreter.recorder.applied:
                        weights = weights._replace(called=True)
                    unused.append(Node(name if name not in used else f"{name}#0", weights, ()))
        for name, tensor in own.items():
            if (
                id(tensor) in visited
                or node_name(tensor) in used
                or tensor.holder not in (None, module)
            ):
                continue
            visited.add(id(tensor))
            label = f"{path}.{name}" if path else name
            size = prod(tensor.shape)
            weights = Unused("parameter, unused", size, frozen=size * tensor.frozen)
            unused.append(Node(label, weights, ()))
    return unused


def _notes_of(
    recorder: GraphRecorder, rest: Sequence[Node], outputs: Sequence[Tensor]
) -> tuple[str, ...]:
    notes: list[str] = []
    if rest:
        params = sum(node.layer.measure().params for node in rest)
        names = ", ".join(node.name for node in rest[:4]) + (", …" if len(rest) > 4 else "")
        if params:
            notes.append(
                f"{names}: the output does not use their {power_text(params)} parameters, which "
                f"are in the totals"
            )
    if outputs and (len(outputs[0].shape) < 2 or outputs[0].shape[0] != 1):
        notes += recorder.folds[:1]
    if recorder.activation_macs:
        notes.append(
            f"products of activations take {recorder.activation_macs:,} multiply–accumulates more, "
            "which no weight is part of"
        )
    if len(outputs) > 1:
        sizes = ", ".join("x".join(map(str, output.shape[1:])) for output in outputs[:6])
        notes.append(f"the model gives {len(outputs)} tensors (channels first): {sizes}")
    return tuple(notes)
