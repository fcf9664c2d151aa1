"""Names with their values → layers, stacks and inputs of a text, and nodes of its network."""

import ast
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.nets.graph import INPUT, Builder, Chain, Fork, Leaf, Part
from convcli.nets.layers import Concat, Merge, Shape
from convcli.nets.layers.arguments import count
from convcli.nets.readers.fragments import Line
from convcli.nets.readers.objects import Stack, Tensor, Unknown, tensors_of
from convcli.nets.readers.vocabulary.registry import Vocabulary, checked, names_of, parameters
from convcli.text import like

INPUT_OPTIONS = {"input_shape", "batch_input_shape", "batch_shape", "input_dim"}


class Laying:
    """Makes layers of names and values, and lays those that are applied out as nodes."""

    def __init__(self, dialect: str) -> None:
        self.builder = Builder()
        self.input: Shape | None = None
        self.vocabulary = Vocabulary(keras=dialect == "Keras")
        self.form = "layer lines"
        self._scope = ""
        self._pending: dict[int, tuple[str, Any]] = {}
        self._line: Line | None = None

    def _consume(self, made: Any) -> None:
        """A part that another one holds, or that is applied, is no line of its own."""
        self._pending.pop(id(made), None)

    def _branch(self, items: Any, node: ast.expr) -> Any:
        """A list of layers, in which a word is a layer without values: `[conv(8, 3), relu]`."""
        if not isinstance(items, list):
            return items
        made = [self._leaf(one, [], {}, node) if isinstance(one, str) else one for one in items]
        for one in made:
            self._consume(one)
        return made

    def _leaf(self, name: str, args: list[Any], options: dict[str, Any], node: ast.expr) -> Part:
        where = self._line.where(node) if self._line else None
        if not self.vocabulary.keras:
            return Leaf(self.vocabulary.layer(name, args, options), "", where)
        called = str(options.pop("name", ""))
        for key in INPUT_OPTIONS & options.keys():
            sizes = options.pop(key)
            self._set_input(sizes[1:] if key.startswith("batch") else sizes)
        from convcli.nets.readers.vocabulary.keras import function

        follows = None if name == "Activation" else function(_activation(name, args, options))
        layer = self.vocabulary.layer(name, args, options)
        if follows is None:
            return Leaf(layer, called, where)
        # the activation stands behind its layer, in a scope of the layer's name
        return Chain((Leaf(layer, "", where), Leaf(follows, "", where)), called)

    def _input(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        before, self.input = self.input, None
        self._read_input(name, args, options)
        if before is not None and (self.builder.nodes or before != self.input):
            if name == "input":
                raise SpecError("a second input is not read here; networks of one input are")
            self.input = before
            return Unknown("a second input")
        return None if name == "input" else Tensor(INPUT)

    def _read_input(self, name: str, args: list[Any], options: dict[str, Any]) -> None:
        if name == "input":
            return self._set_input(tuple(args))
        batched = options.get("batch_shape", options.get("batch_input_shape"))
        sizes = options.get("shape", args[0] if args else options.get("input_shape", ()))
        return self._set_input(batched[1:] if isinstance(batched, tuple | list) else sizes)

    def _random(self, args: list[Any], options: dict[str, Any]) -> Tensor | Unknown:
        """`torch.randn(20, 16, 50, 100)`: a batch of inputs, whose sizes are the input's."""
        sizes = args[0] if args and isinstance(args[0], tuple | list) else args
        people = list(sizes[1:])
        if not self.vocabulary.keras:
            people = people[1:] + people[:1]
        before = self.input
        self._set_input(people)
        if before is not None and (self.builder.nodes or before != self.input):
            self.input = before
            return Unknown("a second input")
        return Tensor(INPUT)

    def _set_input(self, sizes: Any) -> None:
        """Take the input's sizes, channels last."""
        people = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
        if not people or any(size is None for size in people):
            return  # sizes left open: the command line says them
        lengths = tuple(count(size, "an input size") for size in people)
        if len(lengths) > 4:
            raise SpecError(f"an input of {len(lengths)} axes is not read here")
        self.input = (lengths[-1], *lengths[:-1])

    def _sequential(self, args: list[Any], options: dict[str, Any]) -> Stack:
        items = [*args, *(options[key] for key in ("layers",) if key in options)]
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        stack = Stack([])
        for item in items:
            if type(item) is tuple and len(item) == 2 and isinstance(item[0], str):
                self._add_to(stack, item[1], item[0])  # of an OrderedDict
            else:
                self._add_to(stack, item)
        # PyTorch numbers what stands in a Sequential, Keras names it by type
        stack.numbered = not self.vocabulary.keras and "PyTorch" in self.vocabulary.used
        self.form = "model"
        return stack

    def _add_to(self, stack: Stack, item: Any, name: str = "") -> None:
        self._consume(item)
        if isinstance(item, Tensor):  # keras.Input stands first in a list of layers
            return
        if item is stack:
            raise SpecError("a Sequential cannot hold itself")
        made = item.part() if isinstance(item, Stack) else item
        if not isinstance(made, Leaf | Chain | Fork):
            raise SpecError(f"Sequential holds {shown(made)}, which is not a layer")
        stack.items.append(made._replace(name=name) if name else made)

    # -- nodes ------------------------------------------------------------------------------

    def _lay(self, made: Part, tensors: tuple[Tensor, ...], name: str) -> Tensor:
        if len(tensors) > 1:
            return self._join(made.layer if isinstance(made, Leaf) else made, tensors, name)
        return Tensor(self.builder.lay(made, tensors[0].node, self._scope, name))

    def _join(self, layer: Any, tensors: tuple[Tensor, ...], name: str = "") -> Tensor:
        if len(tensors) > 1 and not isinstance(layer, Merge | Concat):
            kind = getattr(layer, "type", "a stack of layers")
            raise SpecError(f"{kind} is called on {len(tensors)} tensors")
        where = self._line.where(self._line.node) if self._line else None
        leaf = Leaf(layer, name, where)
        return Tensor(self.builder.join(leaf, tuple(t.node for t in tensors), self._scope))

    def _function(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        """`F.relu(x)`, `torch.flatten(x, 1)`, `x.view(-1, 400)`, `layers.add([x, y])`."""
        from convcli.nets.readers.functions import FUNCTIONS

        if name not in FUNCTIONS:
            hint = like(name, FUNCTIONS)
            raise SpecError(f"{shown(name)} is no function that is known here{hint}")
        tensors, rest = tensors_of(args[:1]), args[1:]
        while rest and isinstance(rest[0], Tensor):
            tensors, rest = (*tensors, rest[0]), rest[1:]
        layer = checked(FUNCTIONS[name], name, rest, options)
        if layer is None:
            return tensors[0]
        return self._join(layer, tensors)


def _activation(name: str, args: list[Any], options: dict[str, Any]) -> Any:
    """Take the activation out of a Keras layer's values, by name or place: `Dense(9, "relu")`."""
    build = names_of("Keras").get(name)
    takes = parameters(build) if build else ()
    if "activation" in takes[: len(args)]:
        place = takes.index("activation")
        options.setdefault("activation", args[place])
        args[place] = None
    return options.pop("activation", None)
