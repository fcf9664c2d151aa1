"""Text → Network: the notation, and the command line arguments that may contain it."""

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.graph import Reading
from convcli.nets.layers import Shape
from convcli.nets.readers.fragments import statements, words
from convcli.nets.readers.layer_calls import is_notation, read_layer_calls
from convcli.nets.readers.text_source import file_text, stdin_text
from convcli.nets.readers.vocabulary.registry import Vocabulary, names_of
from convcli.nets.zoo import FILES as ZOO_FILES
from convcli.nets.zoo import NAMES, zoo_name, zoo_text
from convcli.text import counted, like, safe

if TYPE_CHECKING:
    from convcli.nets.readers.weight_files.reader import ArrayFile

KERAS = (
    r"\bkeras\b|\b(Dense|\w+[123]D|Conv2DTranspose|BatchNormalization|Bidirectional|TimeDistributed"
    r"|RepeatVector|SimpleRNN)\(|\b(return_sequences|recurrent_dropout)\s*="
)
"""Words of Keras's text alone; PyTorch writes Conv2d and Linear."""

LAYERS, TORCH = r"(?<![\w.])layers\.[A-Za-z]\w*\(", r"\btorch\b|\bnn\.|\blayers\s*="
"""Words that Keras's text may also have, and words that rule Keras out."""

KERAS_SIGNS = (
    *("keras", "layers.", "Dense(", "D(", "DTranspose(", "BatchNormalization(", "Bidirectional("),
    *("TimeDistributed(", "RepeatVector(", "SimpleRNN(", "return_seq", "recurrent_d"),
)
"""Every Keras text has one of these; searching for them first needs no pattern."""


TEXTS = (".net", ".py", ".txt", ".ipynb", ".md")
"""File name endings of text files."""

FILES = (
    r"\.(net|py|txt|ipynb|md|onnx|json|pth|pt|ckpt|safetensors|npz|h5|hdf5|keras|pt2|tflite|cfg)$"
)
"""File name endings of files with a network."""


def read_words(given: Sequence[str]) -> Reading:
    """The network that command line arguments name: one source, or layers.

    A source is a name of the zoo, a file, or `-` for stdin; all other arguments are layers. Raises
    SpecError for text that is not understood and for more than one source.
    """
    sources = [word for word in given if is_source(word)]
    if len(sources) > 1 or (sources and len(given) > 1):
        names = ", ".join(safe(word[:60]) for word in given[:4])
        raise SpecError(f"one network at a time, not {len(given)}: {names}")
    if sources:
        return read_source(sources[0])
    pieces = [piece for word in given for piece in _pieces(_by_pairs(word))]
    try:
        return read_text("\n".join(pieces), "the command line")
    except SpecError:
        meant = _meant(given)
        if meant is None:
            raise
        raise SpecError(f"no network is called {brief(' '.join(given))}{meant}") from None


def _meant(given: Sequence[str]) -> str | None:
    """A hint: the zoo network that the words spell, or that a single word is nearest to."""
    if not all(re.fullmatch(r"[\w.-]+", word) for word in given):
        return None
    joined = zoo_name("".join(given)) if len(given) > 1 else None
    if joined is not None:
        return f"; did you mean {joined}?"
    if len(given) != 1:
        return None
    hint = like(given[0], [*names_of("short"), *names_of("short", "BLOCKS"), *NAMES])
    return hint if hint in (f"; did you mean {name}?" for name in NAMES) else None


def _by_pairs(text: str) -> str:
    """Sizes that are written with an x as pairs: `conv(64, 7x5)`.

    >>> _by_pairs("conv(64, 7x5); pool2x2 = maxpool(2)")
    'conv(64, (7,5)); pool2x2 = maxpool(2)'
    """
    return re.sub(r"(?<=[(,:=\[ ])(\d{1,9})x(\d{1,9})(?=[\s,)\]]|$)", r"(\1,\2)", text)


def _pieces(word: str) -> list[str]:
    """Layers in one shell argument, split; complete statements stay unchanged."""
    if "\n" in word or re.search(r"^\s*[\w.]+\s*=[^=]|\)\s*\(", word) or _is_printed(word):
        return [word]
    return words(word)


def _is_printed(text: str) -> bool:
    if "): " not in text:
        return False
    from convcli.nets.readers.torch_repr import is_printed

    return is_printed(text)


def is_source(word: str) -> bool:
    """Whether an argument names a network, rather than a layer."""
    if word == "-" or zoo_name(word) or _model_file(word):
        return True
    if "(" in word or ":" in word or "\n" in word:
        return False
    return bool(re.search(FILES, word, re.IGNORECASE)) or os.sep in word or os.path.isfile(word)


def _model_file(word: str) -> tuple[str, str] | None:
    """The file and the entry of `model.py:Name(args)`, `notes.ipynb:Name` or `-:Name`."""
    if word.startswith("-:"):
        return "-", word[2:]
    for suffix in (".py", ".ipynb", ".md", ".txt"):
        path, dot, entry = word.partition(f"{suffix}:")
        if dot and "\n" not in path and "(" not in os.path.basename(path):
            return f"{path}{suffix}", entry
    return None


def file_of(word: str) -> str | None:
    """The file that a source names, or `-`; None for layers, text and networks of the zoo.

    >>> file_of("net.py:Net(3)"), file_of("resnet50"), file_of("conv:4,3")
    ('net.py', None, None)
    """
    if "\n" in word or zoo_name(word) or not is_source(word):
        return None
    named = _model_file(word)
    return named[0] if named else word


def read_source(word: str) -> Reading:
    """The network of a zoo name, a file, a class or builder in a file, or stdin."""
    named = _model_file(word)
    path, entry = named or (word, "")
    if named is not None and not entry.strip():
        raise SpecError(f"{safe(word)} has nothing after its colon; give a class of the file")
    if path != "-" and not zoo_name(path) and not path.endswith(TEXTS):
        from convcli.nets.readers.file_kinds import kind_of, read_file

        kind = kind_of(path)
        if kind is not None:
            return read_file(path, kind)
    text, source = source_text(path)
    if path.endswith(".py"):
        return _read_python(text, source, path, entry)
    return read_text(text, source, entry)


def weights_in(words: Sequence[str]) -> "ArrayFile | None":
    """The arrays of the named file, if it has weights and no network."""
    if len(words) != 1 or words[0] in NAMES or words[0].endswith(TEXTS):
        return None
    if not os.path.isfile(words[0]):
        return None
    from convcli.nets.readers.file_kinds import kind_of

    kind = kind_of(words[0])
    if kind is None or not kind.weights:
        return None
    from convcli.nets.readers.weight_files.reader import read_arrays

    return read_arrays(words[0])


def holds_text(word: str) -> bool:
    """Whether an argument names a source of text, not a binary file."""
    if not is_source(word):
        return False
    if word == "-" or zoo_name(word) or _model_file(word):
        return True
    from convcli.nets.readers.file_kinds import kind_of

    return kind_of(word) is None


def source_text(word: str) -> tuple[str, str]:
    """The text of a zoo name, a file, or stdin, and its name in messages."""
    name = zoo_name(word)
    if name is not None:
        return zoo_text(name), f"{name}.{'net' if name in ZOO_FILES else 'py'}"
    if word == "-":
        return stdin_text(), "standard input"
    return file_text(word), os.path.basename(word)


def read_text(text: str, source: str = "text", entry: str = "") -> Reading:
    """The network that a text describes, in any of the vocabularies.

    `entry` names one of the models of a text of Python. Notebooks are read by their code, and
    Markdown by its blocks.

    >>> reading = read_text("conv(6, 5); relu; maxpool(2)")
    >>> [node.name for node in reading.network.nodes], reading.about
    (['conv1', 'relu1', 'max_pool1'], '')
    """
    shape: Shape | None = None
    about = ""
    text, source = _code_of(text, source)
    if entry:
        return _read_python(text, source, "", entry)
    if _is_printed(text):
        from convcli.nets.readers.torch_repr import read_printed

        network = read_printed(text, source, Vocabulary().layer)
        about = f"PyTorch printed model, {counted(len(network.nodes), 'layer')}"
    elif is_notation(text):
        network, shape = read_layer_calls(statements(_by_pairs(text), source))
    else:
        return _read_python(text, source)
    if not network.nodes:
        raise SpecError(f"{safe(source)} holds no layers")
    return Reading(network, shape, about)


def _code_of(text: str, source: str) -> tuple[str, str]:
    """The code of a notebook or of Markdown, or any other text unchanged; and its name."""
    notebook = text.lstrip()[:1] == "{"
    if not (notebook or "```" in text or "~~~" in text or "Param #" in text):
        return text, source
    from convcli.nets.readers import code_blocks

    code_blocks.refuse_summary(text, source)
    if notebook:
        is_one = code_blocks.is_notebook(text)
        return code_blocks.notebook_code(text, source) if is_one else (text, source)
    return code_blocks.fenced_code(text), source


def _read_python(text: str, source: str, path: str = "", entry: str = "") -> Reading:
    from convcli.nets.readers.python.reading import read_python

    reading = read_python(text, source, _is_keras(text), path, entry)
    if re.search(DECLARED, text) and "forward" not in text and "class " not in text:
        why = "no forward shows the order of the layers of self, which is assumed"
        return reading._replace(network=reading.network._replace(unordered=why))
    return reading


DECLARED = r"(?m)^\s*self\.\w+\s*="


def _is_keras(text: str) -> bool:
    if not any(sign in text for sign in KERAS_SIGNS):
        return False
    if re.search(KERAS, text):
        return True
    return bool(re.search(LAYERS, text)) and not re.search(TORCH, text)
