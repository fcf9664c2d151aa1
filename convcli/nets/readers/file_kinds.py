"""What a file is, by its first bytes: who reads it, or what it is called and what to do instead.

The name counts where bytes do not tell: an ONNX file is a message without a mark of its own.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from convcli.errors import Refusal, SpecError
from convcli.nets.graph import Reading
from convcli.text import safe

HEAD = 4096
"""Bytes that are looked at."""


class Kind(NamedTuple):
    """A kind of file: its name, the function that reads a network of it, else what to do."""

    name: str
    reader: str = ""
    """`module:function` in this package."""
    instead: str = ""


KINDS: dict[str, Kind] = {
    "onnx": Kind("an ONNX file", "onnx.reader:read_onnx"),
}
"""Kinds of files that hold networks or weights."""

BY_MARK: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"GGUF", Kind("a GGUF file", instead="its tensors are quantized for llama.cpp; not read")),
    (0, b"\x93NUMPY", Kind("a NumPy array", instead="it holds numbers, no network")),
    (0, b"\x89PNG", Kind("a PNG picture", instead="give it to extract, and a network to shape")),
    (0, b"\xff\xd8\xff", Kind("a JPEG picture", instead="give it to extract, a network to shape")),
    (0, b"GIF8", Kind("a GIF picture", instead="give it to extract, and a network to shape")),
    (0, b"%PDF", Kind("a PDF file", instead="it holds no network that can be read")),
    (0, b"\x1f\x8b", Kind("a gzip archive", instead="unpack it first: gunzip -k FILE")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", instead="unpack it first")),
    (0, b"\xfd7zXZ", Kind("an xz archive", instead="unpack it first: unxz -k FILE")),
    (0, b"BZh", Kind("a bzip2 archive", instead="unpack it first: bunzip2 -k FILE")),
    (0, b"\x7fELF", Kind("a program", instead="it holds no network that can be read")),
    (257, b"ustar", Kind("a tar archive", instead="unpack it first: tar xf FILE")),
    (0, b"ncnn", Kind("an ncnn model", instead="export the network as ONNX")),
    (0, b"7767517", Kind("an ncnn parameter file", instead="export the network as ONNX")),
    (0, b"ftrt", Kind("a TensorRT engine", instead="it runs on one device; give its .onnx file")),
    (0, b"ptrt", Kind("a TensorRT engine", instead="it runs on one device; give its .onnx file")),
)
"""Files of other kinds by the bytes at a position."""

BY_SUFFIX: dict[str, Kind] = {
    ".pb": Kind("a TensorFlow graph", instead="convert it: python -m tf2onnx.convert"),
    ".engine": Kind("a TensorRT engine", instead="it runs on one device; give its .onnx file"),
    ".plan": Kind("a TensorRT engine", instead="it runs on one device; give its .onnx file"),
    ".trt": Kind("a TensorRT engine", instead="it runs on one device; give its .onnx file"),
    ".mlmodel": Kind("a Core ML model", instead="export the network as ONNX"),
    ".caffemodel": Kind("weights of Caffe", instead="export the network as ONNX"),
    ".prototxt": Kind("a network of Caffe", instead="export it as ONNX"),
    ".params": Kind("weights of MXNet or Paddle", instead="export the network as ONNX"),
    ".pdmodel": Kind("a network of Paddle", instead="convert it: paddle2onnx"),
    ".pdiparams": Kind("weights of Paddle", instead="convert them: paddle2onnx"),
    ".rknn": Kind("a Rockchip model", instead="it runs on one device; give its .onnx file"),
    ".bin": Kind("a file of bytes", instead="give the file that describes the network"),
}
"""Files whose bytes do not tell what they are."""

TEXT_SUFFIXES = (".net", ".py", ".txt")
"""Files that hold text, whatever their first bytes."""


def kind_of(path: str) -> Kind | None:
    """What a file of bytes is; None for text. Raises Refusal where it cannot be read."""
    if path.lower().endswith(TEXT_SUFFIXES):
        return None
    if os.path.isdir(path):
        return _folder(path)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror}") from None
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".onnx" and head:
        return KINDS["onnx"]
    for start, mark, kind in BY_MARK:
        if head[start : start + len(mark)] == mark:
            return kind
    if suffix in BY_SUFFIX and not _is_text(head):
        return BY_SUFFIX[suffix]
    if _like_onnx(head):
        return KINDS["onnx"]
    return None


def _like_onnx(head: bytes) -> bool:
    """Whether bytes begin as a ModelProto does: the version of its format, then who wrote it."""
    return (
        len(head) > 4 and head[0] == 0x08 and 1 <= head[1] <= 32 and head[2] in (0x12, 0x3A, 0x42)
    )


def _is_text(head: bytes) -> bool:
    return b"\0" not in head


def _folder(path: str) -> Kind | None:
    names = set(os.listdir(path))
    if "saved_model.pb" in names:
        return Kind("a TensorFlow SavedModel", instead="convert it: python -m tf2onnx.convert")
    if path.rstrip(os.sep).endswith(".mlpackage"):
        return Kind("a Core ML model", instead="export the network as ONNX")
    return None


def read_file(path: str, kind: Kind) -> Reading:
    """The network of a file of bytes. Raises SpecError for a kind that holds none."""
    if not kind.reader:
        raise SpecError(f"{safe(path)} is {kind.name}: {kind.instead}")
    module, _, function = kind.reader.partition(":")
    read: Callable[[str], Reading] = getattr(
        import_module(f"convcli.nets.readers.{module}"), function
    )
    return read(path)
