"""The kind of a file by its first bytes: its reader, or its name and what to do instead.

The file name decides if the bytes do not: an ONNX file is a message without a signature.
"""

import os
import re
from collections.abc import Callable
from importlib import import_module

from convcli.errors import Refusal, SpecError
from convcli.nets.graph import Reading
from convcli.nets.readers.text_source import file_bytes
from convcli.records import NamedTuple
from convcli.text import safe

HEAD = 4096
"""Number of bytes to inspect."""


class Kind(NamedTuple):
    """A kind of file: its name, and the function that reads its network, or what to do instead."""

    name: str
    reader: str = ""
    """`module:function` in this package."""
    instead: str = ""
    weights: bool = False
    """Whether it holds arrays by name, and no network."""


WEIGHTS = "it holds only weights; give it to extract --weights, and its network to shape"


KINDS: dict[str, Kind] = {
    "onnx": Kind("an ONNX file", "onnx.reader:read_onnx"),
    "keras": Kind("a Keras file", "keras_files:read_keras_archive"),
    "keras json": Kind("a configuration of Keras", "keras_files:read_keras_json"),
    "pt2": Kind("an exported program", "exported_program:read_exported"),
    "tflite": Kind("a TFLite file", "tflite.reader:read_tflite"),
    "darknet": Kind("a configuration of Darknet", "darknet:read_darknet"),
    "torch": Kind("a PyTorch checkpoint", instead=WEIGHTS, weights=True),
    "torch script": Kind("a TorchScript file", instead=WEIGHTS, weights=True),
    "safetensors": Kind("a safetensors file", instead=WEIGHTS, weights=True),
    "npz": Kind("arrays of NumPy", instead=WEIGHTS),
    "hdf5": Kind("an HDF5 file", instead="save the model as .keras, or its model.to_json()"),
    "zip": Kind("a zip archive", instead="unpack it, and give the file of the network"),
    "pickle": Kind("a pickle", instead="what it describes is a program, which is not run"),
}
"""Kinds of files that hold networks or weights."""

MAX_NAMES = 10_000
"""Maximum number of names to inspect in an archive."""

PAGE = Kind("a web page", instead="download the file itself, not the page about it")
ENGINE = Kind("a TensorRT engine", instead="it runs on one device; give its .onnx file")
PICTURE = "give it to extract, and a network to shape"

BY_MARK: tuple[tuple[int, bytes, Kind], ...] = (
    (4, b"TFL3", KINDS["tflite"]),
    (0, b"\x89HDF\r\n\x1a\n", KINDS["hdf5"]),
    *((0, bytes((0x80, protocol)), KINDS["pickle"]) for protocol in (2, 3, 4, 5)),
    (0, b"GGUF", Kind("a GGUF file", instead="its tensors are quantized for llama.cpp; not read")),
    (0, b"\x93NUMPY", Kind("a NumPy array", instead="it holds numbers, no network")),
    (0, b"\x89PNG", Kind("a PNG picture", instead=PICTURE)),
    (0, b"\xff\xd8\xff", Kind("a JPEG picture", instead=PICTURE)),
    (0, b"GIF8", Kind("a GIF picture", instead=PICTURE)),
    (8, b"WEBP", Kind("a WebP picture", instead=PICTURE)),
    *((0, mark, Kind("a TIFF picture", instead=PICTURE)) for mark in (b"II*\0", b"MM\0*")),
    (0, b"%PDF", Kind("a PDF file", instead="it holds no network that can be read")),
    (0, b"\x1f\x8b", Kind("a gzip archive", instead="unpack it first: gunzip -k FILE")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", instead="unpack it first")),
    (0, b"\xfd7zXZ", Kind("an xz archive", instead="unpack it first: unxz -k FILE")),
    (0, b"BZh", Kind("a bzip2 archive", instead="unpack it first: bunzip2 -k FILE")),
    (0, b"\x28\xb5\x2f\xfd", Kind("a zstd archive", instead="unpack it first: unzstd FILE")),
    (0, b"\x7fELF", Kind("a program", instead="it holds no network that can be read")),
    (257, b"ustar", Kind("a tar archive", instead="unpack it first: tar xf FILE")),
    (4, b"ORTM", Kind("an ORT model", instead="give the .onnx file that it was made of")),
    (0, b"ncnn", Kind("an ncnn model", instead="export the network as ONNX")),
    (0, b"7767517", Kind("an ncnn parameter file", instead="export the network as ONNX")),
    *((0, mark, ENGINE) for mark in (b"ftrt", b"ptrt")),
)
"""Files of other kinds by the bytes at a position."""

BY_TEXT: tuple[tuple[bytes, Kind], ...] = (
    (
        rb"version https://git-lfs",
        Kind("a pointer of Git LFS", instead="fetch the file itself: git lfs pull"),
    ),
    (rb"(?i)\s*<(!doctype )?html", PAGE),
    (rb"(?s)\s*<\?xml.*<net\s", Kind("a network of OpenVINO", instead="give its .onnx file")),
    (
        rb"(?s)\s*\{.*\"modelTopology\"",
        Kind("a TensorFlow.js model", instead="give the Keras model it was made from"),
    ),
    (
        rb"(?s)\s*\{(?!.*\"class_name\").*\"(model_type|architectures)\"\s*:",
        Kind("a configuration of transformers", instead="export the network as ONNX or .pt2"),
    ),
)
"""Texts that are not networks, by their beginnings."""

BY_SUFFIX: dict[str, Kind] = {
    ".pb": Kind("a TensorFlow graph", instead="convert it: python -m tf2onnx.convert"),
    **dict.fromkeys((".engine", ".plan", ".trt"), ENGINE),
    ".bmp": Kind("a BMP picture", instead=PICTURE),
    ".mlmodel": Kind("a Core ML model", instead="export the network as ONNX"),
    ".caffemodel": Kind("weights of Caffe", instead="export the network as ONNX"),
    ".params": Kind("weights of MXNet or Paddle", instead="export the network as ONNX"),
    ".pdmodel": Kind("a network of Paddle", instead="convert it: paddle2onnx"),
    ".pdiparams": Kind("weights of Paddle", instead="convert them: paddle2onnx"),
    ".rknn": Kind("a Rockchip model", instead="it runs on one device; give its .onnx file"),
    ".bin": Kind("a binary file", instead="give the file that describes the network"),
}
"""Files whose bytes do not tell their kind."""

EXPECTED = {
    ".onnx": "an ONNX file",
    ".pth": "a PyTorch checkpoint",
    ".pt": "a PyTorch checkpoint",
    ".ckpt": "a checkpoint",
    ".safetensors": "a safetensors file",
    ".npz": "a file of arrays",
    ".h5": "an HDF5 file",
    ".keras": "a Keras file",
    ".pt2": "an exported program",
    ".tflite": "a TFLite file",
}
"""The kind that a file name promises, for errors about files that are of another kind."""

TEXT_SUFFIXES = (".net", ".py", ".txt")
"""Files that hold text, whatever their first bytes."""


def kind_of(path: str) -> Kind | None:
    """The kind of a binary file; None for text. Raises Refusal where it cannot be read."""
    if path.lower().endswith(TEXT_SUFFIXES):
        return None
    if os.path.isdir(path):
        return _folder(path)
    head = file_bytes(path, HEAD)
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".onnx" and head and head[:1] not in b"v<":
        return KINDS["onnx"]  # before other readers are imported
    from convcli.nets.readers.darknet import is_darknet
    from convcli.nets.readers.weight_files.safetensors import is_safetensors
    from convcli.nets.readers.weight_files.torch_files import is_legacy

    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return KINDS[_archive(path)]
    if is_legacy(head):
        return KINDS["torch"]
    if is_safetensors(head):
        return KINDS["safetensors"]
    for start, mark, kind in BY_MARK:
        if head[start : start + len(mark)] == mark:
            return kind
    for pattern, kind in BY_TEXT:
        if re.match(pattern, head):
            return kind
    if suffix == ".prototxt":
        return Kind("a network of Caffe", instead="export it as ONNX")
    if suffix in BY_SUFFIX and not _is_text(head):
        return BY_SUFFIX[suffix]
    if is_darknet(head):
        return KINDS["darknet"]
    if head.lstrip()[:1] == b"{" and b'"class_name"' in head:
        return KINDS["keras json"]
    if _like_onnx(head):
        return KINDS["onnx"]
    if suffix in EXPECTED:
        raise Refusal(f"{safe(path)} is not {EXPECTED[suffix]}, as its name says")
    if not _is_text(head):
        raise SpecError(f"{safe(path)} is a binary file of an unknown kind")
    return None


def _archive(path: str) -> str:
    """The kind of a zip archive, by the names in it."""
    import zipfile

    from convcli.nets.readers.weight_files.torch_files import BAD_ZIP

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.rpartition("/")[2] for name in archive.namelist()[:MAX_NAMES]]
            folders = {part for name in archive.namelist()[:MAX_NAMES] for part in name.split("/")}
    except BAD_ZIP as error:
        raise Refusal(f"{safe(path)} is a damaged zip archive: {safe(str(error))[:100]}") from None
    if "serialized_exported_program.json" in names or "model.json" in names:
        return "pt2"
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    if "data.pkl" in names:
        return "torch script" if "code" in folders else "torch"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    return "zip"


def _like_onnx(head: bytes) -> bool:
    """Whether bytes begin as a ModelProto does: the version of its format, then who wrote it."""
    return (
        len(head) > 4 and head[0] == 0x08 and 1 <= head[1] <= 32 and head[2] in (0x12, 0x3A, 0x42)
    )


def _is_text(head: bytes) -> bool:
    """Whether bytes are UTF-16, or have only the control characters of text and terminals."""
    return head[:2] in (b"\xff\xfe", b"\xfe\xff") or not re.search(
        rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head
    )


def _folder(path: str) -> Kind | None:
    names = set(os.listdir(path))
    if "saved_model.pb" in names:
        return Kind("a TensorFlow SavedModel", instead="convert it: python -m tf2onnx.convert")
    if path.rstrip(os.sep).endswith(".mlpackage"):
        return Kind("a Core ML model", instead="export the network as ONNX")
    return None


def read_file(path: str, kind: Kind) -> Reading:
    """The network of a binary file. Raises SpecError for a kind that holds none."""
    if not kind.reader:
        raise SpecError(f"{safe(path)} is {kind.name}: {kind.instead}")
    module, _, function = kind.reader.partition(":")
    read: Callable[[str], Reading] = getattr(
        import_module(f"convcli.nets.readers.{module}"), function
    )
    return read(path)
