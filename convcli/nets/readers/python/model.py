"""`model.py:Name(args)` → the network it builds, read anew for inputs of another size."""

from math import prod
from typing import Any, NamedTuple

from convcli.errors import Refusal, SpecError
from convcli.nets.graph import INPUT, Network, Node, Stopped
from convcli.nets.layers import Identity, Shape
from convcli.nets.layers.tensor_ops import Free, Unused
from convcli.nets.readers.python.interpreter import Machine, deep
from convcli.nets.readers.python.keras.layers import LAYER
from convcli.nets.readers.python.language.objects import (
    Function,
    Halt,
    Object,
    Tensor,
    Unfit,
    Unknown,
)
from convcli.nets.readers.python.torch import nn_module, nn_weights
from convcli.nets.readers.python.torch.graph_recorder import Tape

MOST_OUTPUTS = 1000
"""Tensors of one model that are its outputs; those behind them are left out."""


class Model(NamedTuple):
    """A module that was built, and the machine that runs it for an input."""

    machine: Machine
    root: Object
    label: str

    def at(self, shape: Shape) -> Network:
        """Its network for an input `(channels, *lengths)`."""
        machine = self.machine
        machine.steps = 0
        machine.depth = 0
        machine.fresh(self.root)
        tape, outputs, stopped = _ran(machine, self.root, shape)
        if outputs and not stopped:
            _ended(tape, outputs)
        names = tuple(filter(None, map(tape.laid, outputs)))
        network = tape.network(names) if names and not stopped else tape.network(())
        held = list(nn_module.walk(self.root))
        nodes = _held(machine, held, network.nodes)
        rest = [] if stopped else _unused(machine, held, network)
        halted = None
        if stopped is not None:
            unfit = isinstance(stopped, Unfit)
            halted = Stopped(str(stopped), stopped.where, unfit=unfit)
        return Network(
            (*rest, *nodes),
            self.at if tape.sized else None,
            halted,
            notes_of(tape, rest, outputs),
        )


def _outputs_of(value: Any) -> list[Tensor]:
    """The tensors in what a forward returns, in their order."""
    found: list[Tensor] = []
    waiting, seen = [value], set()
    while waiting and len(found) < MOST_OUTPUTS:
        one = waiting.pop(0)
        if id(one) in seen and not isinstance(one, Tensor):
            continue
        seen.add(id(one))
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, list | tuple):
            waiting[:0] = one[:MOST_OUTPUTS]
        elif isinstance(one, dict):
            waiting[:0] = list(one.values())[:MOST_OUTPUTS]
        elif isinstance(one, Object):
            waiting[:0] = list(one.attrs.values())[:MOST_OUTPUTS]
    return found


def _one_input(root: Object) -> None:
    """Refuses a model whose forward needs more than one value."""
    run = root.cls.find("forward")
    if not isinstance(run, Function):
        return
    wanted = run.node.args
    names = [one.arg for one in (*wanted.posonlyargs, *wanted.args)][1:]
    needed = names[: len(names) - len(run.defaults)] if run.defaults else names
    if len(needed) > 1:
        raise Halt(
            f"forward takes {len(needed)} inputs, {', '.join(needed)}; models of one are read",
            run.file.where(run.node),
        )


def _ran(machine: Machine, root: Object, shape: Shape) -> tuple[Tape, list[Tensor], Halt | None]:
    """The forward run of a module on one image; what stopped it, if something did."""
    tape = machine.tape = Tape()
    machine.named(root)
    found: list[Tensor] = []
    stopped: Halt | None = None
    try:
        with deep():
            _one_input(root)
            image = Tensor((1, *shape), INPUT)
            image.channels_last = root.cls.is_a(LAYER)
            result = machine.call(root, [image], {})
            found = _outputs_of(result)
            if not found:
                what = machine.describe(result)
                where = result.where if isinstance(result, Unknown) else None
                raise Halt(f"the model gives {what}, which is not a tensor", where)
    except Unfit as error:
        stopped = error
    except SpecError as error:
        stopped = error if isinstance(error, Halt) else Halt(str(error))
    except Refusal as error:
        stopped = Unfit(str(error))
    return tape, found, stopped


def _ended(tape: Tape, outputs: list[Tensor]) -> None:
    """The network ends with its first output, whatever order its outputs were made in."""
    nodes = tape.builder.nodes
    first = tape.laid(outputs[0])
    if not nodes or first in ("", INPUT, nodes[-1].name):
        return
    needed = set(map(tape.laid, outputs))
    last = [node.name for node in tape.network(tuple(needed)).nodes][-1:]
    if last != [first]:
        tape.scope = ""
        outputs[0] = tape.put(Identity("output"), [outputs[0]], outputs[0].shape, name="output")


def _held(
    machine: Machine, held: list[tuple[str, Object]], nodes: tuple[Node, ...]
) -> tuple[Node, ...]:
    """The nodes; weights that stand alone and belong to a layer among them are that layer's."""
    sharing = [one for _, one in held if one.shared]
    if not sharing:
        return nodes
    laid = {node.name for node in nodes if not isinstance(node.layer, Free)}
    owners: dict[str, str] = {}
    for one in sharing:
        name = machine.leaf(one).name
        if name in laid:
            owners |= {
                machine.tape.laid(tensor): name
                for tensor in one.shared.values()
                if tensor.holder is one
            }
    return tuple(node._replace(owner=owners.get(node.name, node.owner)) for node in nodes)


def _unused(machine: Machine, held: list[tuple[str, Object]], network: Network) -> list[Node]:
    """The weights that the model holds and its output does not need."""
    laid = {node.name for node in network.nodes}
    known = laid | {node.owner for node in network.nodes if node.owner}
    found = []
    seen: set[int] = set()
    for path, one in held:
        own = dict(nn_module.parameters(one))
        if one.leaf is not None:
            record = one.leaf.layer
            name = path or record.type
            if machine.tape.builder.first_name(machine.leaf(one)) not in known:
                without = {
                    key for key, tensor in one.shared.items() if machine.tape.laid(tensor) in laid
                }
                made = nn_weights.unused(record, without)
                if made is not None:
                    found.append(Node(name if name not in laid else f"{name}#0", made, ()))
        for name, tensor in own.items():
            used = machine.tape.laid(tensor) in laid
            if id(tensor) in seen or used or tensor.holder not in (None, one):
                continue
            seen.add(id(tensor))
            label = f"{path}.{name}" if path else name
            found.append(Node(label, Unused("parameter, unused", prod(tensor.shape)), ()))
    return found


def notes_of(tape: Tape, rest: list[Node], outputs: list[Tensor]) -> tuple[str, ...]:
    notes = list(tape.notes)
    if rest:
        many = sum(node.layer.measure().params for node in rest)
        names = ", ".join(node.name for node in rest[:4]) + (", …" if len(rest) > 4 else "")
        if many:
            notes.append(
                f"{names}: the output needs none of their {many:,} parameters, "
                "which are in the totals"
            )
    if tape.products:
        notes.append(
            f"products of activations take {tape.products:,} multiply–accumulates more, "
            "which no weight is part of"
        )
    if len(outputs) > 1:
        sizes = ", ".join("x".join(map(str, one.shape[1:])) for one in outputs[:6])
        notes.append(f"the model gives {len(outputs)} tensors (channels first): {sizes}")
    return tuple(notes)
