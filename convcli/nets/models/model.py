"""`model.py:Name(args)` → the network it builds, read anew for inputs of another size."""

import ast
from typing import Any, NamedTuple

from convcli.calls import UNREADABLE, parsed_value, shown
from convcli.errors import SpecError, safe
from convcli.nets.layers import Identity, Shape
from convcli.nets.models import modules, weights
from convcli.nets.models.files import Files, parsed_file
from convcli.nets.models.machine import Machine, deep, ran
from convcli.nets.models.statements import Return
from convcli.nets.models.tape import Tape
from convcli.nets.models.values import (
    MISSING,
    Class,
    File,
    Frame,
    Function,
    Halt,
    Object,
    Partial,
    Tensor,
    Unfit,
    Unknown,
)
from convcli.nets.network import INPUT, Network, Node, Reading, Stopped, pointed
from convcli.nets.operations import Free, Unused
from convcli.nets.readers.vocabulary import like

NOT_BUILDERS = ("test", "main", "train", "demo", "run", "count", "load", "init", "get_args")
"""Beginnings of the names of functions that build no network for others."""


def read_model(path: str, entry: str = "") -> Reading:
    """The network of a file's class or builder. Raises SpecError with the place.

    `entry` is a name, or a call with its values; without it, what the file obviously means.
    """
    files = Files()
    return _reading(files.open(path), files, entry)


def read_model_text(text: str, source: str, tree: ast.Module | None = None) -> Reading:
    """The same of a text that is no file of its own: pasted, or from a pipe."""
    return _reading(parsed_file("", source, text), Files(), "")


def _reading(file: File, files: Files, entry: str) -> Reading:
    machine = Machine(files)
    try:
        with deep():
            machine.opened(file)
            call = _call(entry, file) if entry else _obvious(file)
            root, label = _built(machine, file, call)
    except Halt as error:
        raise SpecError(_text(error)) from None
    except Return:
        raise SpecError(f"{safe(file.name)} returns outside of a function") from None
    model = Model(machine, root, label)
    leaves = [one.leaf for _, one in modules.walk(root) if one.leaf is not None]
    declared = Network(
        tuple(Node(f"{i}", leaf.layer, (INPUT,)) for i, leaf in enumerate(leaves)), model.at
    )
    return Reading(declared, _example(file), f"PyTorch {label}")


def _text(error: Halt) -> str:
    message = safe(str(error))
    return f"{message}\n{pointed(error.where)}" if error.where else message


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
        tape, outputs, stopped = ran(machine, self.root, shape)
        if outputs and not stopped:
            _ended(tape, outputs)
        names = tuple(one.node for one in outputs if one.node)
        network = tape.network(names) if names and not stopped else tape.network(())
        nodes = _held(machine, self.root, network.nodes)
        rest = [] if stopped else _unused(machine, self.root, network)
        halted = None
        if stopped is not None and not isinstance(stopped, Unfit):
            halted = Stopped(str(stopped), stopped.where)
        elif stopped is not None:
            halted = Stopped(str(stopped), stopped.where, unfit=True)
        return Network(
            (*rest, *nodes),
            self.at if tape.sized else None,
            halted,
            _notes(tape, rest, outputs),
        )


def _ended(tape: Tape, outputs: list[Tensor]) -> None:
    """The network ends with its first output, whatever order its outputs were made in."""
    nodes = tape.builder.nodes
    if not nodes or outputs[0].node in ("", INPUT, nodes[-1].name):
        return
    needed = {one.node for one in outputs}
    last = [node.name for node in tape.network(tuple(needed)).nodes][-1:]
    if last != [outputs[0].node]:
        tape.scope = ""
        outputs[0] = tape.put(Identity("output"), [outputs[0]], outputs[0].shape, name="output")


def _held(machine: Machine, root: Object, nodes: tuple[Node, ...]) -> list[Node]:
    """The nodes; weights that stand alone and belong to a layer among them are that layer's."""
    laid = {node.name for node in nodes if not isinstance(node.layer, Free)}
    owners: dict[str, str] = {}
    for _, one in modules.walk(root):
        if one.shared and machine.leaf(one).name in laid:
            name = machine.leaf(one).name
            owners |= {held.node: name for held in one.shared.values() if held.holder is one}
    return [node._replace(owner=owners.get(node.name, node.owner)) for node in nodes]


def _unused(machine: Machine, root: Object, network: Network) -> list[Node]:
    """The weights that the model holds and its output does not need."""
    laid = {node.name for node in network.nodes}
    owners = {node.owner for node in network.nodes}
    found = []
    seen: set[int] = set()
    for path, one in modules.walk(root):
        own = dict(modules.parameters(one))
        if one.leaf is not None:
            record = one.leaf.layer
            name = path or record.type
            if not ({name, machine.leaf(one).name} & (laid | owners)):
                without = {
                    key for key, tensor in one.shared.items() if tensor.node and tensor.node in laid
                }
                made = weights.unused(record, without)
                if made is not None:
                    found.append(Node(f"{name}" if name not in laid else f"{name}#0", made, ()))
        for name, tensor in own.items():
            if id(tensor) in seen or tensor.node in laid or tensor.holder not in (None, one):
                continue
            seen.add(id(tensor))
            many = 1
            for length in tensor.shape:
                many *= length
            label = f"{path}.{name}" if path else name
            found.append(Node(label, Unused("parameter, unused", many), ()))
    return found


def _notes(tape: Tape, rest: list[Node], outputs: list[Tensor]) -> tuple[str, ...]:
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


# -- what a file means ----------------------------------------------------------------------


def _call(entry: str, file: File) -> ast.expr:
    """`Name` or `Name(args)` as an expression that builds something."""
    try:
        node = parsed_value(entry)
    except UNREADABLE:
        node = None
    if not isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript):
        raise SpecError(f"{shown(entry)} is not a name in {safe(file.name)}, nor a call of one")
    name = node.func if isinstance(node, ast.Call) else node
    if isinstance(name, ast.Name) and name.id not in file.names:
        known = [one for one, value in file.names.items() if isinstance(value, Class | Function)]
        hint = like(name.id, known) or f"; it has {', '.join(known[:8])}"
        raise SpecError(f"{safe(file.name)} has no {shown(name.id)}{hint}")
    return node


def _obvious(file: File) -> ast.expr:
    """The one class or builder that a file is about. Raises SpecError where there are several."""
    used = _used(file)
    ready: list[str] = []
    other: list[str] = []
    for name, value in file.names.items():
        if isinstance(value, Object) and value.cls.is_a(modules.MODULE):
            return ast.Name(name, ast.Load())  # `model = Net()` of the file itself
        if isinstance(value, Class) and value.is_a(modules.MODULE):
            if _place(value, file) and value.find("forward") is not MISSING:
                (ready if not _needs(value.find("__init__"), 1) else other).append(name)
        elif isinstance(value, Function) and value.file is file and _builds(value):
            (ready if not _needs(value, 0) else other).append(name)
    for names in ([one for one in ready if one not in used], ready):
        if len(names) == 1:
            return ast.Name(names[0], ast.Load())
        if names:
            example = _in_main(file, names)
            if example is not None:
                return example
            listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            raise SpecError(
                f"{safe(file.name)} builds several networks: {listed}; "
                f"say which, such as {safe(file.name)}:{names[-1]}"
            )
    example = _in_main(file, other)
    if example is not None:
        return example
    unread = [
        value for value in file.names.values() if isinstance(value, Unknown) and "(" in value.text
    ]
    if not other and unread:
        raise Halt(f"{unread[0].text} cannot be read", unread[0].where)
    if not other:
        raise SpecError(f"{safe(file.name)} holds no class with a forward, and no layers")
    name = next((one for one in reversed(other) if one not in used), other[-1])
    value = file.names[name]
    takes = _needs(
        value.find("__init__") if isinstance(value, Class) else value, isinstance(value, Class)
    )
    raise SpecError(
        f"{name} of {safe(file.name)} takes {', '.join(takes)}; "
        f"give them: '{safe(file.name)}:{name}({', '.join(f'{one}=…' for one in takes)})'"
    )


def _place(cls: Class, file: File) -> bool:
    """Whether a class is of this file: one that was imported is a part of it."""
    return any(isinstance(one, ast.ClassDef) and one.name == cls.name for one in file.tree.body)


def _builds(function: Function) -> bool:
    node = function.node
    if not isinstance(node, ast.FunctionDef) or function.name.startswith(("_", *NOT_BUILDERS)):
        return False
    if any(isinstance(one, ast.Name) and one.id == "Tensor" for one in ast.walk(node.args)):
        return False
    returns = [one for one in ast.walk(node) if isinstance(one, ast.Return)]
    return any(isinstance(one.value, ast.Call | ast.Name) for one in returns)


def _needs(function: Any, skipped: int) -> list[str]:
    """The parameters of a function that have no default."""
    if not isinstance(function, Function):
        return []
    wanted = function.node.args
    names = [one.arg for one in (*wanted.posonlyargs, *wanted.args)][skipped:]
    required = names[: max(len(names) - len(function.defaults), 0)]
    by_name = zip(wanted.kwonlyargs, function.kw_defaults, strict=True)
    return required + [one.arg for one, default in by_name if default is MISSING]


def _used(file: File) -> set[str]:
    """The names that other definitions of the file speak of: parts of what it is about."""
    found: set[str] = set()
    for node in file.tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(NOT_BUILDERS):
                continue
            for one in ast.walk(node):
                if isinstance(one, ast.Name) and one.id != node.name:
                    found.add(one.id)
    return found


def _in_main(file: File, names: list[str]) -> ast.expr | None:
    """The one call of a builder under `if __name__ == "__main__"`, or in a `test` beside it."""
    calls: dict[str, ast.expr] = {}
    for node in file.tree.body:
        main = isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        if main or (isinstance(node, ast.FunctionDef) and node.name.startswith(("test", "main"))):
            for one in ast.walk(node):
                if (
                    isinstance(one, ast.Call)
                    and isinstance(one.func, ast.Name)
                    and one.func.id in names
                ):
                    calls.setdefault(ast.unparse(one), one)
    return next(iter(calls.values())) if len(calls) == 1 else None


def _built(machine: Machine, file: File, call: ast.expr) -> tuple[Object, str]:
    """The module that an entry makes, and what it is called."""
    label = ast.unparse(call)[:60]
    entry = File("", "entry", label, ast.Module([], []))
    entry.names = file.names
    made = machine.evaluate(ast.parse(ast.unparse(call), mode="eval").body, Frame(entry, {}))
    if isinstance(made, Class | Function | Partial):
        made = machine.call(made, [], {})
    if isinstance(made, tuple | list) and made and machine.is_module(made[0]):
        made = made[0]
    if isinstance(made, Unknown):
        raise Halt(f"{label} gives {made.text}, which is not known here", made.where)
    if not isinstance(made, Object) or not made.cls.is_a(modules.MODULE):
        raise Halt(f"{label} gives {machine.describe(made)}, which is no module")
    kind = (
        "class" if isinstance(call, ast.Name) and isinstance(file.names.get(call.id), Class) else ""
    )
    return made, f"{kind} {label}".strip()


def _example(file: File) -> Shape | None:
    """The input that the file itself tries its network with: `torch.randn(1, 3, 32, 32)`."""
    shapes = set()
    for node in file.tree.body:
        if isinstance(node, ast.ClassDef):
            continue
        for one in ast.walk(node):
            if (
                isinstance(one, ast.Call)
                and isinstance(one.func, ast.Attribute)
                and one.func.attr in ("randn", "rand", "zeros", "ones")
            ):
                sizes = [arg.value for arg in _flat(one.args) if isinstance(arg, ast.Constant)]
                whole = [size for size in sizes if type(size) is int and size > 0]
                if len(whole) == len(_flat(one.args)) and 2 <= len(whole) <= 5:
                    shapes.add(tuple(whole[1:]))
    return next(iter(shapes)) if len(shapes) == 1 else None


def _flat(args: list[ast.expr]) -> list[ast.expr]:
    if len(args) == 1 and isinstance(args[0], ast.Tuple | ast.List):
        return args[0].elts
    return args
