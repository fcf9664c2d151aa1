"""Python → Network: the network of a text, read anew for inputs of another size."""

import ast
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from convcli.callsyntax import excerpt
from convcli.errors import SpecError
from convcli.nets.graph import INPUT, Builder, Given, Network, Node, Part, Reading
from convcli.nets.input_size import named_shape
from convcli.nets.layers import Shape
from convcli.nets.layers.tensor_ops import Operation, Scalar
from convcli.nets.readers.fragments import MAX_MODULE, module, with_indentation
from convcli.nets.readers.layer_calls import chain
from convcli.nets.readers.python.entry_point import (
    build_module,
    check_calls,
    find_entry,
    is_defined_in,
    main_of,
    models_of,
    needs,
    parse_entry,
)
from convcli.nets.readers.python.example_input import example_input
from convcli.nets.readers.python.interpreter import deep_recursion
from convcli.nets.readers.python.keras.layers import outputs_of
from convcli.nets.readers.python.language.objects import (
    Class,
    Function,
    Instance,
    ReadError,
    SourceFile,
    Tensor,
)
from convcli.nets.readers.python.model import (
    Model,
    assembled,
    declared_nodes,
    parameters_of,
    recorded_nodes,
    unused_weights,
)
from convcli.nets.readers.python.model_files import SourceFiles, parsed_file
from convcli.nets.readers.python.script import ScriptInterpreter
from convcli.nets.readers.python.sequence import parts_of
from convcli.nets.readers.python.torch.nn_module import MODULE, SEQUENTIAL, walk
from convcli.nets.source_location import pointed
from convcli.records import NamedTuple
from convcli.text import counted, safe

BLOCKS = r"(?m)^[ ]*(async |def |class |for |while |if |with |try:).*:[ ]*(#.*)?$"
"""Signs of a text that can only be read as complete Python."""

MAX_UNHEEDED = 3
"""Maximum number of skipped statements to name."""

Modules: TypeAlias = list[tuple[str, Instance | Part]]

MAX_EXAMPLES = 8
"""Maximum number of example tensors to try as the input."""


def read_python(
    text: str, source: str, keras: bool = False, path: str = "", entry: str = ""
) -> Reading:
    """The network of a text: of a class or a builder in it, or of its own statements.

    `entry` is a name, or a call with its values; without it, the obvious entry point. Raises
    SpecError with the location.
    """
    passed, assumed = 0, ""
    try:
        text, tree = module(text, source)
    except SpecError:
        if len(text) > MAX_MODULE:
            raise
        try:
            from convcli.nets.readers.code_blocks import without_prose

            code, passed = without_prose(text)
            if not passed:
                raise
            text, tree = module(code, source)
        except SpecError:
            if not re.search(BLOCKS, text):
                raise
            if re.search(r"(?m)^class\b", text) and not re.search(r"(?m)^[ \t]+\S", text):
                text, assumed = with_indentation(text, source), "; its lost indentation is assumed"
            tree = parsed_file(path, source, text).tree
    given = Text(path, source, text, _with_class(tree), SourceFiles(), keras)
    with _refusing():
        reading = given.reading(entry)
    prose = f"; {counted(passed, 'line')} of prose left out" if passed else ""
    return reading._replace(about=f"{reading.about}{prose}{assumed}")


def _with_class(tree: ast.Module) -> ast.Module:
    """The tree, with a class around methods that were pasted without one."""
    methods = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and [x.arg for x in node.args.args[:1]] == ["self"]
    ]
    if not methods or any(isinstance(node, ast.ClassDef) for node in tree.body):
        return tree
    base = ast.Attribute(ast.Name("nn", ast.Load()), "Module", ast.Load())
    own = ast.ClassDef("Net", [base], [], list(methods), [])
    ast.fix_missing_locations(ast.copy_location(own, methods[0]))
    rest = [node for node in tree.body if node not in methods]
    return ast.Module([*rest, own], [])


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn ReadError into SpecError with the source location."""
    try:
        with deep_recursion():
            yield
    except ReadError as error:
        message = safe(str(error))
        where = f"\n{pointed(error.where)}" if error.where else ""
        raise SpecError(f"{message}{where}") from None


class Text(NamedTuple):
    """A text that may be run for an input of any size, and the part of it that is its network."""

    path: str
    name: str
    text: str
    tree: ast.Module
    files: SourceFiles
    keras: bool
    example: int | None = None
    """The number of the example tensor that is its input."""
    entry: ast.expr | None = None
    """The call that builds its model."""
    function: str = ""
    """The function that maps the input to the output."""
    given: tuple[Given, ...] = ()
    """Its inputs, if there are several."""

    def run(self, shape: Shape | None = None, steps: int = 0) -> ScriptInterpreter:
        """Its statements, read for an input of this shape, or of the shape they name.

        `steps` is the number of steps that earlier readings took.
        """
        file = SourceFile(self.path, self.name, self.text, self.tree)
        defines = any(isinstance(node, ast.ClassDef | ast.FunctionDef) for node in self.tree.body)
        file.bare = not self.path or not defines
        if not defines:
            file.names["__name__"] = "__main__"
        if self.path:
            self.files.known[os.path.realpath(self.path)] = file
        script = ScriptInterpreter(self.files, file, self.keras, shape, self.example)
        script.steps = steps
        script.open_file(file)
        try:
            if self.entry is not None:
                build_module(script, file, self.entry)
            if self.function:
                image = script.new_input((None, None, 3))
                output = script.call(file.names[self.function], [image], {})
                script.outputs = [output] if isinstance(output, Tensor) else []
        except ReadError as error:
            script.refusals.append(error.without_frames())
        return script

    def at(self, shape: Shape, given: tuple[Given, ...] = ()) -> Network:
        """Its network for an input `(channels, *lengths)`. Raises SpecError with its location."""
        with _refusing():
            return self._replace(given=given).network(self._replace(given=given).run(shape))

    def network(self, script: ScriptInterpreter) -> Network:
        """The network of its statements, up to one that did not fit or was not understood."""
        recorder = script.recorder
        refusal = next(iter(script.refusals), None)
        outputs = () if refusal else self._outputs(script)
        nodes = recorded_nodes(script, outputs)
        if script.further and outputs and all(INPUT not in node.inputs for node in nodes):
            raise ReadError(
                "the text has several inputs, and this model does not read the first; give the "
                "text of this model alone"
            )
        redo = self.at if recorder.size_dependent or script.guessed else None
        rest = self._unused(script, nodes) if outputs else []
        network = assembled(recorder, rest, nodes, redo, refusal, script.outputs)
        return network._replace(outputs=outputs if len(script.outputs) > 1 else ())

    def _unused(self, script: ScriptInterpreter, nodes: tuple[Node, ...]) -> list[Node]:
        """The weights of the models it calls that its output does not need."""
        called = [
            (name, model)
            for name, model in script.modules()
            if isinstance(model, Instance) and model.leaf is None
            if any(id(inner) in script.recorder.applied for _, inner in walk(model))
        ]
        if len(called) == 1:
            called = [("", called[0][1])]
        inside = [pair for name, model in called for pair in walk(model, name)]
        return unused_weights(script, inside, nodes)

    def _outputs(self, script: ScriptInterpreter) -> tuple[str, ...]:
        """The nodes of its result: a `Model`, or its last line and the unused tensors."""
        node_name, nodes = script.recorder.node_name, script.recorder.builder.nodes
        if script.outputs:
            return tuple(filter(None, map(node_name, script.outputs)))
        read = {name for node in nodes for name in node.inputs}
        ends = [
            node.name
            for node in nodes
            if node.name not in read and not isinstance(node.layer, Operation)
        ]
        return (*filter(None, map(node_name, script.last)), *ends)

    # -- what it is about -------------------------------------------------------------------

    def reading(self, entry: str) -> Reading:
        script = self.run()
        file = script.text
        if entry:
            return self._built(script, parse_entry(entry, file))
        classes = [value for value in file.names.values() if isinstance(value, Class)]
        own = any(cls.is_a(MODULE) and is_defined_in(cls, file) for cls in classes)
        if own and not self.keras:
            models = models_of(file)
            older = f", the newest, not {', '.join(models[:-1][:4])}" if models[1:] else ""
            return self._built(script, find_entry(file), older)
        reading = self._flow(script)
        if reading is not None:
            return reading
        modules = script.modules()
        if modules:
            return self._sequence(script, modules)
        if script.refusals:
            raise script.refusals[0]
        if not any(isinstance(node, ast.ClassDef | ast.FunctionDef) for node in self.tree.body):
            check_calls(file)
            raise SpecError(f"{safe(self.name)} holds no layers")
        main = main_of(file)
        try:
            return self._defined(script)
        except SpecError:
            if main is None or not isinstance(main.node, ast.FunctionDef):
                raise
        # the model of a program is built within its `main`
        body = [node for node in self.tree.body if node is not main.node and not _is_start(node)]
        return self._replace(tree=ast.Module([*body, *main.node.body], [])).reading("")

    def _defined(self, script: ScriptInterpreter) -> Reading:
        """The result of its one class or builder, or of a function of a tensor."""
        try:
            return self._built(script, find_entry(script.text))
        except SpecError:
            functions = [
                value for value in script.text.names.values() if isinstance(value, Function)
            ]
            if not functions or len(needs(functions[-1], 0)) != 1:
                raise
            name = functions[-1].name
            given = self._replace(function=name)
            try:
                reading = given._flow(given.run())
            except SpecError:
                reading = None
            if reading is None or all(isinstance(n.layer, Scalar) for n in reading.network.nodes):
                raise  # `def f(n): return n + 1` is not a network
            return reading

    def _flow(self, script: ScriptInterpreter) -> Reading | None:
        """The network of the tensors that its statements make; None if they make none."""
        tries = [(self, script)]
        if not script.nodes_of_input():
            for number in range(min(script.examples, MAX_EXAMPLES)):
                given = self._replace(example=number)
                tries.append((given, given.run(steps=tries[-1][1].steps)))
        given, best = max(tries, key=lambda attempt: attempt[1].nodes_of_input())
        if not best.nodes_of_input():
            refusals = [refusal for _, attempt in tries for refusal in attempt.refusals]
            if refusals and not script.modules():
                raise refusals[0]
            return None
        network = given.network(best)
        if network.stopped and not (network.stopped.unfit or best.guessed):
            raise best.refusals[0]
        return Reading(network, best.input, _about(best, "model", network))

    def _sequence(self, script: ScriptInterpreter, modules: Modules) -> Reading:
        """Layers and models in sequence, or the newest model of a script."""
        if script.refusals:
            raise script.refusals[0]
        notes = []
        models = [(name, part) for name, part in modules if getattr(part, "leaf", part) is None]
        form = "model" if models else "layer lines"
        if script.defines and models and all(name for name, _ in modules) and not script.own.attrs:
            modules = models[-1:]
            if len(models) > 1:
                others = ", ".join(name for name, _ in models[:-1][:4])
                form = f"model {modules[0][0]}, the newest, not {others}"
                notes = [f"{modules[0][0]} is shown, the newest of the models; others: {others}"]
        parts = parts_of(modules)
        if parts is None:
            return self._model(script, _together(modules), form)
        builder = Builder()
        chain(builder, parts)
        network = builder.network()._replace(notes=tuple(notes))
        return Reading(network, script.input or _input_of(modules), _about(script, form, network))

    def _built(self, script: ScriptInterpreter, call: ast.expr, older: str = "") -> Reading:
        """The network of a model that a call returns."""
        model = script.text.names.get(call.id) if isinstance(call, ast.Name) else None
        if script.unset and isinstance(model, Instance):
            raise script.unset[0]
        root, label = build_module(script, script.text, call)
        if outputs_of(root):
            given, script.outputs = self._replace(entry=call), outputs_of(root)
            network = given.network(script)
            return Reading(network, script.input, _about(script, "model", network))
        parts = parts_of([("", root)]) if self.keras else None
        if parts is not None:
            return self._sequence(script, [("", root)])
        return self._model(script, root, label + older, call)

    def _model(
        self, script: ScriptInterpreter, root: Instance, label: str, entry: ast.expr | None = None
    ) -> Reading:
        """A module that is run on its input; `entry` is its name in the text."""
        model = Model(script, root, label)
        declared = Network(
            tuple(declared_nodes(root)),
            model.at,
            parameters=parameters_of(root),
        )
        named = script.input or _input_of([("", root)])
        about = f"{_frameworks(script)} {label}" + ("" if entry else _unheeded(script))
        example = None
        if entry is not None and (named is None or not self.keras):
            example = example_input(script.text, entry, self.keras)
        if example is not None:
            return Reading(declared, example.shape, about, example.where)
        return Reading(declared, named if self.keras else None, about)


def _is_start(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)


def _together(modules: Modules) -> Instance:
    """A module that runs several in order."""
    if len(modules) == 1 and isinstance(modules[0][1], Instance):
        return modules[0][1]
    root = Instance(SEQUENTIAL)
    for index, (name, part) in enumerate(modules):
        if not isinstance(part, Instance):
            raise ReadError("layer calls cannot be mixed with modules that are more than layers")
        root.attrs[name or str(index)] = part
    return root


def _input_of(modules: Modules) -> Shape | None:
    """The input's shape that the first layer of a Keras model names."""
    for _, value in modules:
        for _, layer in walk(value) if isinstance(value, Instance) else ():
            sizes = layer.attrs.get("input_shape")
            if isinstance(sizes, tuple):
                return named_shape(sizes)
    return None


def _frameworks(script: ScriptInterpreter) -> str:
    names = [name for name, _ in script.used.most_common()]
    return " and ".join(names) or ("Keras" if script.keras else "PyTorch")


def _about(script: ScriptInterpreter, form: str, network: Network) -> str:
    """What a text was taken for: "PyTorch layer lines, 12 layers"."""
    many = "" if network.redo else f", {counted(len(network.nodes), 'layer')}"
    return f"{_frameworks(script)} {form}{many}{_unheeded(script)}"


def _unheeded(script: ScriptInterpreter) -> str:
    """A note on the skipped statements between those of layers."""
    passed = script.unheeded
    if not passed:
        return ""
    first = [f"line {node.lineno}, {excerpt(node)}" for node in passed[:MAX_UNHEEDED]]
    rest = len(passed) - len(first)
    return f"; not run: {'; '.join(first)}" + (f"; and {rest:,} more" if rest else "")
