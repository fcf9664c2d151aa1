"""A TFLite file made for tests, and what writes FlatBuffers."""

import struct
from pathlib import Path

import numpy as np


class Flat:
    """Writes a file of FlatBuffers from its end to its beginning, as its own library does."""

    def __init__(self):
        self.data = b""

    def place(self, data, align=4):
        """Put bytes in front of the others, aligned from the end; gives their distance to it."""
        while (len(self.data) + len(data)) % align:
            self.data = b"\0" + self.data
        self.data = data + self.data
        return len(self.data)

    def vector(self, letter, values):
        body = struct.pack(f"<{len(values)}{letter}", *values)
        body += b"\0" * (-len(body) % 4)
        return self.place(struct.pack("<I", len(values)) + body)

    def offsets(self, places):
        """A list of tables."""
        end = len(self.data) + 4 * len(places)
        body = b"".join(struct.pack("<I", end - 4 * i - place) for i, place in enumerate(places))
        return self.place(struct.pack("<I", len(places)) + body)

    def text(self, text):
        data = text.encode() + b"\0"
        return self.place(struct.pack("<I", len(data) - 1) + data + b"\0" * (-len(data) % 4))

    def table(self, **fields):
        """Fields by number, `f3=(letter, value)` or `f3=place` of what a field refers to."""
        numbers = {int(name[1:]): value for name, value in fields.items() if value is not None}
        count = max(numbers, default=-1) + 1
        size = 4 + 4 * len(numbers)
        head = len(self.data) + size
        offsets, body = [0] * count, b""
        for number, value in numbers.items():
            offsets[number] = 4 + len(body)
            if isinstance(value, tuple):
                part = struct.pack(f"<{value[0]}", value[1])
                body += part + b"\0" * (4 - len(part))
            else:
                body += struct.pack("<I", head - offsets[number] - value)
        vtable = struct.pack(f"<HH{count}H", 4 + 2 * count, size, *offsets)
        vtable += b"\0" * (-len(vtable) % 4)
        self.place(struct.pack("<i", len(vtable)) + body)
        at = len(self.data)
        self.place(vtable)
        return at

    def file(self, root):
        at = len(self.data) + 8 - root
        return struct.pack("<I", at) + b"TFL3" + self.data


def tflite(path, half=False, last=9, custom=None):
    """Conv 3x3 with ReLU6, depthwise, pad of channels, mean, fully connected.

    `last` is the code of the last operator; `custom` its name, where it is not TFLite's own.
    """
    flat = Flat()
    weights = [np.ones((4, 3, 3, 3)), np.ones((1, 3, 3, 4)), np.ones((5, 6))]
    pads = np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int32)
    kind = np.float16 if half else np.float32
    arrays = [b"", *(w.astype(kind).tobytes() for w in weights), pads.tobytes()]
    arrays.append(np.array([1, 2], np.int32).tobytes())
    buffers = [flat.table(f0=flat.vector("B", data) if data else None) for data in arrays]
    code = 1 if half else 0
    shapes = [
        ((1, 8, 8, 3), 0, 0),
        ((4, 3, 3, 3), 1, code),
        ((1, 4, 4, 4), 0, 0),
        ((1, 3, 3, 4), 2, code),
        ((1, 4, 4, 4), 0, 0),
        ((4, 2), 4, 2),
        ((1, 4, 4, 6), 0, 0),
        ((1, 6), 0, 0),
        ((5, 6), 3, code),
        ((1, 5), 0, 0),
        ((4, 3, 3, 3), 0, 0),
        ((2,), 5, 2),
    ]
    names = [
        "in",
        "w0",
        "net/conv/Relu6",
        "w1",
        "net/dw",
        "pads",
        "pad",
        "mean",
        "w2",
        "out",
        "w",
        "axes",
    ]
    tensors = [
        flat.table(
            f0=flat.vector("i", shape), f1=("b", type_), f2=("I", buffer), f3=flat.text(name)
        )
        for (shape, buffer, type_), name in zip(shapes, names, strict=True)
    ]
    first = 10 if half else 1
    steps = [
        (3, [0, first], [2], {"f0": ("b", 0), "f1": ("i", 2), "f2": ("i", 2), "f3": ("b", 3)}),
        (4, [2, 3], [4], {"f0": ("b", 0), "f1": ("i", 1), "f2": ("i", 1), "f3": ("i", 1)}),
        (34, [4, 5], [6], {}),
        (40, [6, 11], [7], {}),
        (last, [7, 8], [9], {}),
    ]
    if half:
        steps.insert(0, (6, [1], [10], {}))
    codes = sorted({code for code, *_ in steps})
    operators = [
        flat.table(
            f0=("I", codes.index(code)),
            f1=flat.vector("i", inputs),
            f2=flat.vector("i", outputs),
            f4=flat.table(**options),
        )
        for code, inputs, outputs, options in steps
    ]
    graph = flat.table(
        f0=flat.offsets(tensors),
        f1=flat.vector("i", [0]),
        f2=flat.vector("i", [9]),
        f3=flat.offsets(operators),
    )
    own = custom and flat.text(custom)
    known = flat.offsets(
        [
            flat.table(f0=("b", min(code, 127)), f1=own if code == 32 else None, f3=("i", code))
            for code in codes
        ]
    )
    held, graphs = flat.offsets(buffers), flat.offsets([graph])
    root = flat.table(f0=("I", 3), f1=known, f2=graphs, f4=held)
    Path(path).write_bytes(flat.file(root))
    return (3, 8, 8)
