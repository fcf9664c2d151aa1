"""The memory of a run, predicted before it: weights, live maps, and buffers of each layer.

Bytes of float32 arrays. The passes of the core's functions are counted as they allocate. A run of
the command prints the prediction where it is near the limit; with -v it prints it in any case, and
at the end what the process took.
"""

import os
import sys
from collections.abc import Callable, Collection, Sequence
from math import prod
from time import perf_counter

from convcli.conv import workspace_bytes
from convcli.errors import UnfitError
from convcli.geometry import Window, transposed_padding
from convcli.images.image import Limits, available
from convcli.nets.analysis.summary import Row
from convcli.nets.graph import INPUT
from convcli.nets.layers import (
    Activation,
    Concat,
    Conv,
    Depthwise,
    Identity,
    Layer,
    LocalContrastNorm,
    LocalResponseNorm,
    Merge,
    Norm,
    Pool,
    Reshape,
    Separable,
    Shape,
    TransposedConv,
    windows_on,
)
from convcli.records import NamedTuple
from convcli.runtime.initializers import Init, draw_bytes
from convcli.runtime.weights import slots, weight_bytes
from convcli.text import bytes_text

PROCESS_BYTES = 24 << 20
"""Memory of a process besides arrays: threads, BLAS's buffers, drawing."""


class Memory(NamedTuple):
    """Bytes of a run, by what they are for."""

    weights: int
    activations: int
    """The maximum that is alive at once, with the buffers of the layer at work."""
    retained: int
    """Maps that are drawn or kept until the end."""
    drawing: int
    """Temporary bytes for drawing the weights."""

    @property
    def peak(self) -> int:
        return self.weights + max(self.activations + self.retained, self.drawing) + PROCESS_BYTES


def predicted(
    rows: Sequence[Row], shape: Shape, init: Init, kept: Collection[str] = (), retained: int = 0
) -> Memory:
    """The memory of a run over the rows of a summary that keeps the maps of the nodes `kept`.

    `retained` are bytes that the caller keeps until the end.
    """
    last = last_reads(rows)
    bytes_of = {INPUT: 4 * prod(shape)}
    alive, peak = {INPUT: bytes_of[INPUT]}, 0
    for index, row in enumerate(rows):
        added = bytes_of[row.name] = 4 * prod(row.output)
        if isinstance(row.node.layer, Reshape | Identity):
            added = 0  # another view of what is there, which it keeps alive
        peak = max(peak, sum(alive.values()) + added + _beside(row.node.layer, row))
        alive[row.name] = added
        for name in row.node.inputs:
            if last[name] == index and name not in kept:
                if isinstance(row.node.layer, Reshape | Identity):
                    alive[row.name] += alive.get(name, 0)
                alive.pop(name, None)
        if row.name not in last and row.name not in kept:
            alive.pop(row.name)
    drawing = [draw_bytes(init, slot.shape) for slot in slots(rows).values() if slot.fill in DRAWN]
    return Memory(weight_bytes(rows), peak, retained, max(drawing, default=0))


DRAWN = ("filters", "transposed", "codes")
"""Fills that are drawn; the others are constants."""


class Prediction(NamedTuple):
    """The memory of a run in words, and whether it is near the limit."""

    text: str
    is_near: bool


NEAR = 0.5
"""The share of memory from which a prediction is printed."""


def prediction(
    rows: Sequence[Row],
    shape: Shape,
    init: Init,
    kept: Collection[str] = (),
    retained: int = 0,
    limits: Limits | None = None,
    preparing: int = 0,
) -> Prediction:
    """The result of `predicted` in words. Raises UnfitError for a run beyond the limits.

    `preparing` are bytes that the picture takes before the run, where it is not read yet.
    """
    memory = predicted(rows, shape, init, kept, retained)
    now, limits = resident(), limits or Limits()
    # reading a picture may have taken more than the run will
    peak = max(now + memory.peak, now + preparing, peak_resident() or 0)
    if limits.memory is not None:
        room, has = limits.memory // limits.beside, "the limit is"
    else:
        room, has = now + available() // limits.beside, "this machine has"
    if now + memory.peak > room:
        raise UnfitError(
            f"the run needs {bytes_text(now + memory.peak)} of memory, {has} {bytes_text(room)}; "
            f"raise --max-memory, use a smaller --resize, or stop earlier with --until"
        )
    text = (
        f"peak memory predicted: {bytes_text(peak)} ({bytes_text(now)} now, weights "
        f"{bytes_text(memory.weights)}, maps at work {bytes_text(memory.activations)}, "
        f"pictures {bytes_text(memory.retained)})"
    )
    return Prediction(text, now + memory.peak > NEAR * room)


def last_reads(rows: Sequence[Row]) -> dict[str, int]:
    """The index of the last row that reads each node; a node that no one reads is not in it."""
    return {name: index for index, row in enumerate(rows) for name in row.node.inputs}


def _beside(layer: Layer, row: Row) -> int:
    """Bytes that a layer allocates beside its output."""
    count = BESIDE.get(type(layer))
    return count(layer, row.inputs[0], row.output) if count else 4 * prod(row.output)


def _conv(layer: Conv, shape: Shape, output: Shape) -> int:
    flat = (1,) * (len(shape) == 2)
    windows = windows_on(shape, layer.kernel, layer.stride, layer.dilation, layer.padding)
    weight = (layer.filters, shape[0] // layer.groups, *flat, *layer.kernel)
    masked = 4 * prod(weight) if layer.connections is not None else 0
    return masked + workspace_bytes(
        (shape[0], *flat, *shape[1:]),
        weight,
        flat + layer.stride,
        ((0, 0),) * len(flat) + tuple(padding for _, padding in windows),
        flat + layer.dilation,
        layer.groups,
    )


def _depthwise(layer: Depthwise, shape: Shape, output: Shape) -> int:
    return _conv(layer.conv(shape[0]), shape, output)


def _separable(layer: Separable, shape: Shape, output: Shape) -> int:
    middle = layer.depthwise.measure(shape).output
    first = _depthwise(layer.depthwise, shape, middle)
    return 4 * prod(middle) + max(first, _conv(layer.pointwise, middle, output))


def _transposed(layer: TransposedConv, shape: Shape, output: Shape) -> int:
    """The canvas before it is cut, and the products of one band (`convcli.conv.conv_transpose`)."""
    windows = map(Window, layer.kernel, layer.stride, layer.dilation)
    cuts = (cut for cut, _ in map(transposed_padding, layer.padding, windows, layer.extra))
    canvas = layer.filters * prod(n + sum(cut) for n, cut in zip(output[1:], cuts, strict=True))
    row = layer.filters * prod(layer.kernel) * shape[-1]
    return 4 * (canvas + 2 * row) + (8 << 20)


def _pool(layer: Pool, shape: Shape, output: Shape) -> int:
    """The padded input where there is padding, and the rows that were reduced first."""
    padded = 0
    windows = layer.measure(shape).windows
    if any(any(padding) for _, padding in windows):
        lengths = zip(shape[1:], windows, strict=True)
        padded = shape[0] * prod(n + sum(padding) for n, (_, padding) in lengths)
    rows = shape[0] * output[1] * (shape[-1] + sum(windows[-1][1]))
    powers = prod(shape) + 2 * prod(output) if layer.kind == "lp" else 0
    return 4 * (padded + rows + prod(output) + powers)


def _activation(layer: Activation, shape: Shape, output: Shape) -> int:
    """Bytes a value, from what the functions hold at once: NumPy's temporaries, a mask."""
    each = {"relu": 0, "abs": 0, "tanh": 0, "exponential": 0, "relu6": 0, "hard_tanh": 0}
    each |= {"leaky_relu": 5, "threshold": 1, "gelu": 64}
    return each.get(layer.type, 17) * prod(shape)


def _norm(layer: Norm, shape: Shape, output: Shape) -> int:
    return (8 if layer.kind == "batch" else 13) * prod(shape)


BESIDE: dict[type, Callable[..., int]] = {
    Conv: _conv,
    Depthwise: _depthwise,
    Separable: _separable,
    TransposedConv: _transposed,
    Pool: _pool,
    Activation: _activation,
    Norm: _norm,
    **dict.fromkeys((Identity, Reshape, Concat), lambda layer, shape, output: 0),
    Merge: lambda layer, shape, output: 8 * prod(output),
    LocalResponseNorm: lambda layer, shape, output: 16 * prod(shape),
    LocalContrastNorm: lambda layer, shape, output: 16 * prod(shape),
}
"""The buffers of each kind of layer; others have at most the size of their output."""


def resident() -> int:
    """The bytes of this process now, or their peak if the system tells no more."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return peak_resident() or 0


def peak_resident() -> int | None:
    """The peak of the bytes of this process; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def took_note(started: float, memory: bool = True) -> str:
    """The seconds since `started`, and the peak of memory."""
    resident_peak = peak_resident() if memory else None
    peak = f", peak memory measured: {bytes_text(resident_peak)}" if resident_peak else ""
    return f"{perf_counter() - started:.2f} s{peak}"
