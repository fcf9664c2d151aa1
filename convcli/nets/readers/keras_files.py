"""Keras's model files: `model.to_json()` and `.keras` archives, as the text of a script of Keras.

A configuration lists layers with their arguments and inputs. It is written out as
the calls that would build it, which the interpreter reads as it reads any script: one vocabulary,
one reader. Nothing is deserialized; arguments are numbers, words and lists of them.
"""

import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from json import loads
from keyword import iskeyword

from convcli.errors import SpecError
from convcli.nets.graph import Reading
from convcli.nets.readers.text_source import file_bytes
from convcli.text import safe

MAX_CONFIG = 64 << 20
"""Bytes of a configuration."""

MAX_LAYERS = 50_000

Config = dict[str, object]

NOISE = {
    *("dtype", "batch_shape", "batch_input_shape", "sparse", "ragged", "optional", "seed"),
    *("noise_shape", "build_config", "autocast", "axis_names", "quantization_config"),
    *("lora_rank", "lora_alpha", "renorm", "synchronized", "return_attention_scores"),
}
"""Arguments that change neither a shape nor a count."""

UNSET = {
    *("rms_scaling", "go_backwards", "stateful", "unroll", "zero_output_for_mask", "virtual"),
    "use_gate",
}
"""Arguments that every configuration has, and that change nothing if they are false."""

PROGRAMS = ("Lambda", "TFOpLambda", "SlicingOpLambda", "TFOp")
"""Layers that hold a function of Python."""

ARITHMETIC = {
    "Add": "+",
    "Subtract": "-",
    "Multiply": "*",
    "TrueDivide": "/",
    "Divide": "/",
    "Power": "**",
}
"""Operations on tensors that are not layers, by their names in Keras files."""

FUNCTIONS = {"Absolute": "abs", "LogSoftmax": "log_softmax"}
"""Operations whose function has another name than their class."""


def read_keras_json(path: str) -> Reading:
    """The network of the text of `model.to_json()`. Raises SpecError, Refusal."""
    return read_config(file_bytes(path, MAX_CONFIG + 1), path)


def read_keras_archive(path: str) -> Reading:
    """The network of a `.keras` file, from the configuration in it. Raises SpecError, Refusal."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as stream:
            data = stream.read(MAX_CONFIG + 1)
    except KeyError:
        raise SpecError(f"{safe(path)} holds no config.json, so it is not a Keras file") from None
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise SpecError(f"{safe(path)} is a damaged archive: {safe(str(error))[:100]}") from None
    reading = read_config(data, path)
    return reading._replace(about=f"{reading.about}; extract reads its weights with --weights")


def read_config(data: bytes, path: str) -> Reading:
    from convcli.nets.readers.python.reading import read_python

    name = os.path.basename(path)
    if len(data) > MAX_CONFIG:
        raise SpecError(f"{safe(name)} has more than {MAX_CONFIG:,} bytes, the most that is read")
    try:
        config = loads(data)
    except (ValueError, RecursionError):
        raise SpecError(f"{safe(name)} is not JSON") from None
    if not isinstance(config, dict) or "class_name" not in config:
        raise SpecError(f"{safe(name)} is not a configuration of Keras: it has no class_name")
    try:
        script = script_of(config)
    except RecursionError:
        raise SpecError(f"{safe(name)}: its models are nested too deep") from None
    reading = read_python(script, name, keras=True)
    inner = config.get("config")
    title = inner.get("name") if isinstance(inner, dict) else None
    return reading._replace(about=f"Keras model, {safe(str(title or config['class_name']))[:60]}")


def script_of(config: Config) -> str:
    """The calls that build a model.

    >>> dense = {"class_name": "Dense", "config": {"units": 3, "use_bias": False}}
    >>> print(script_of({"class_name": "Sequential", "config": {"layers": [dense]}}))
    import keras
    from keras.layers import *
    model = Sequential([Dense(units=3, use_bias=False)])
    """
    writer = _Writer()
    model = writer.layer(config)
    return "\n".join(
        ["import keras", "from keras.layers import *", *writer.lines, f"model = {model}"]
    )


class _Writer:
    """Statements before the model, and names for their results."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names = 0
        self._layers = 0

    def fresh(self, stem: str) -> str:
        self._names += 1
        return f"{stem}{self._names}"

    def layer(self, entry: object) -> str:
        """The call that makes a layer or a model."""
        if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
            raise SpecError("a layer of the configuration has no config")
        self._layers += 1
        if self._layers > MAX_LAYERS:
            raise SpecError(f"the configuration has more than {MAX_LAYERS:,} layers")
        kind, config = str(entry.get("class_name")), entry["config"]
        kind = kind.rpartition(">")[2]
        if kind in PROGRAMS:
            name = safe(str(config.get("name", kind)))[:60]
            raise SpecError(f"{kind} {name!r} holds a program of Python, which is not run")
        if kind == "Sequential":
            layers = map(self.layer, _list(config.get("layers")))
            return f"Sequential([{', '.join(layers)}])"
        if kind in ("Functional", "Model"):
            return self.functional(config)
        if kind == "InputLayer":
            return f"Input(shape={_shape(config)!r})"
        if not kind.isidentifier() or iskeyword(kind):
            raise SpecError(f"{safe(kind)[:60]!r} is not a name of a layer")
        return f"{kind}({', '.join(self.arguments(config))})"

    def arguments(self, config: Config) -> Iterator[str]:
        for name, value in config.items():
            if name in NOISE or value is None or not name.isidentifier() or iskeyword(name):
                continue
            if name in ("layer", "forward_layer", "cell") and isinstance(value, dict):
                yield f"{name}={self.layer(value)}"
                continue
            if isinstance(value, dict):
                value = _function_name(name, value)
                if value is None:
                    continue
            if (name == "trainable" and value is True) or (name in UNSET and not value):
                continue
            yield f"{name}={_literal(value)}"

    def functional(self, config: Config) -> str:
        """A functional model: one statement per call."""
        layers = [entry for entry in _list(config.get("layers")) if isinstance(entry, dict)]
        variables: dict[tuple[str, int], str] = {}
        waiting: list[tuple[str, int, Written, object]] = []
        for entry in layers:
            inner = entry.get("config")
            name = str(entry.get("name") or (inner.get("name") if isinstance(inner, dict) else ""))
            nodes = _list(entry.get("inbound_nodes"))
            if entry.get("class_name") == "InputLayer" and not nodes:
                variables[name, 0] = variable = self.fresh("x")
                self.lines.append(f"{variable} = {self.layer(entry)}")
                continue
            written = _operation(entry)
            if written is None:
                layer = self.fresh("layer")
                self.lines.append(f"{layer} = {self.layer(entry)}")
                written = _called(layer)
            waiting += [(name, index, written, node) for index, node in enumerate(nodes)]
        while waiting:
            left = []
            for name, index, written, node in waiting:
                arguments, options = _call(node)
                needed = _sources([*arguments, *(value for _, value in options)])
                if not all((layer, call) in variables for layer, call, _ in needed):
                    left.append((name, index, written, node))
                    continue
                texts = [_text(argument, variables) for argument in arguments]
                named = [f"{key}={_text(value, variables)}" for key, value in options]
                variables[name, index] = variable = self.fresh("x")
                self.lines.append(f"{variable} = {written(texts, named)}")
            if len(left) == len(waiting):
                raise SpecError(
                    f"the layer {safe(left[0][0])[:60]!r} is called on what is not there"
                )
            waiting = left
        ends = [_ends(config.get(key), variables) for key in ("input_layers", "output_layers")]
        return f"keras.Model([{', '.join(ends[0])}], [{', '.join(ends[1])}])"


Written = Callable[[Sequence[str], Sequence[str]], str]
"""The text of a call, from the texts of its arguments and options."""


def _called(function: str, values: Sequence[str] = ()) -> Written:
    return lambda texts, named: f"{function}({', '.join([*texts, *values, *named])})"


def _operation(entry: Config) -> Written | None:
    """The text of an operation that is not a layer: `x + y`, `keras.ops.mean(x, 1)`, `x[1:]`."""
    kind, config = str(entry.get("class_name")), entry.get("config")
    if ".ops." not in str(entry.get("module")) or not isinstance(config, dict):
        return None
    if kind in ARITHMETIC:
        return lambda texts, named: f" {ARITHMETIC[kind]} ".join(texts)
    if kind == "GetItem":
        return lambda texts, named: "".join(texts)
    function = FUNCTIONS.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    if not function.isidentifier() or iskeyword(function):
        raise SpecError(f"{safe(kind)[:60]!r} is not a name of an operation")
    values = [_literal(value) for name, value in config.items() if name != "name"]
    return _called(f"keras.ops.{function}", values)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _shape(config: Config) -> tuple[int | None, ...]:
    """The input's shape without its batch."""
    shape = config.get("batch_shape") or config.get("batch_input_shape") or config.get("shape")
    sizes = _list(shape)
    if not sizes or any(not (size is None or type(size) is int) for size in sizes):
        raise SpecError("an input layer has no shape")
    return tuple(size if isinstance(size, int) else None for size in sizes[1:])


def _function_name(name: str, value: Config) -> str | None:
    """The name of a serialized function, such as an activation; None if counts ignore it."""
    if "activation" not in name:
        return None
    inner = value.get("config")
    if value.get("class_name") == "function" and isinstance(inner, str):
        return inner
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(value.get("class_name"))).lower()


def _literal(value: object) -> str:
    """A number, a string, or a list of them, as Python text."""
    if isinstance(value, list | tuple):
        return "(" + "".join(f"{_literal(item)}, " for item in value) + ")"
    if isinstance(value, bool | int | str) or value is None:
        return repr(value)
    if isinstance(value, float) and abs(value) < 1e300:
        return repr(value)
    raise SpecError(f"an argument that is neither a number nor a word: {safe(repr(value))[:60]}")


Source = tuple[str, int, int]
"""A tensor: its layer, the index of the call, and the index of the output."""


Argument = Source | list["Argument"] | str
"""The arguments of a call: tensors, lists of them, and plain values as text."""


def _call(node: object) -> tuple[list[Argument], list[tuple[str, Argument]]]:
    """The arguments of a call and its options, as Keras 3 writes them, or Keras 2."""
    if isinstance(node, dict):
        options = node.get("kwargs")
        named = options.items() if isinstance(options, dict) else ()
        return (
            [_argument(item) for item in _list(node.get("args"))],
            [
                (str(name), _argument(value))
                for name, value in named
                if value is not None and str(name).isidentifier() and name != "training"
            ],
        )
    tensors: list[Argument] = []
    for entry in _list(node):
        parts = _list(entry)
        if len(parts) < 3 or not isinstance(parts[1], int) or not isinstance(parts[2], int):
            raise SpecError("a call of the configuration names no layer")
        tensors.append((str(parts[0]), parts[1], parts[2]))
    return (tensors if len(tensors) == 1 else [tensors]), []


def _argument(value: object) -> Argument:
    if isinstance(value, list):
        return [_argument(item) for item in value]
    if isinstance(value, dict):
        config = value.get("config")
        if value.get("class_name") == "__slice__" and isinstance(config, dict):
            ends = (config.get(name) for name in ("start", "stop", "step"))
            return ":".join("" if end is None else _literal(end) for end in ends)
        history = _list(config.get("keras_history")) if isinstance(config, dict) else []
        if len(history) == 3 and isinstance(history[1], int) and isinstance(history[2], int):
            return str(history[0]), history[1], history[2]
        raise SpecError("a call of the configuration is on no tensor")
    return _literal(value)


def _sources(argument: Argument) -> Iterator[Source]:
    """The tensors in an argument."""
    if isinstance(argument, list):
        for item in argument:
            yield from _sources(item)
    elif not isinstance(argument, str):
        yield argument


def _text(argument: Argument, variables: dict[tuple[str, int], str]) -> str:
    if isinstance(argument, list):
        return f"[{', '.join(_text(item, variables) for item in argument)}]"
    if isinstance(argument, str):
        return argument
    layer, call, index = argument
    return _part(variables[layer, call], index)


def _ends(value: object, variables: dict[tuple[str, int], str]) -> list[str]:
    """The tensors that a model begins or ends with: one, or a list of them."""
    entries = _list(value)
    if entries and isinstance(entries[0], str):
        entries = [entries]
    ends = []
    for entry in entries:
        parts = _list(entry)
        key = (str(parts[0]), parts[1]) if len(parts) > 2 and isinstance(parts[1], int) else None
        if key is None or key not in variables or not isinstance(parts[2], int):
            raise SpecError("the inputs or outputs of the model are not among its layers")
        ends.append(_part(variables[key], parts[2]))
    return ends


def _part(variable: str, index: int) -> str:
    return f"{variable}[{index}]" if index else variable
