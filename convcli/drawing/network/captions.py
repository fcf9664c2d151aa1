"""The labels of a block, and its title."""

import re
from collections.abc import Sequence
from math import ceil

from convcli.drawing.network.blocks import Block
from convcli.nets.layers import Shape
from convcli.text import safe

LABELS = ("sizes", "kernels", "params", "macs", "rf")


def size_label(shape: Shape) -> str:
    """A shape as height×width×channels.

    >>> size_label((64, 56, 56)), size_label((1000,))
    ('56×56×64', '1,000')
    """
    if len(shape) == 1:
        return f"{shape[0]:,}"
    return "×".join(map(str, (*shape[1:], shape[0])))


def kernel_label(block: Block) -> str:
    """The type of a block with its kernel and stride: `conv 3×3 /2`."""
    if block.main is None:
        return "input"
    if block.scope:
        return safe(block.scope)
    layer = block.main.node.layer
    name = safe(block.main.type.replace("_", " "))
    kernel, stride = getattr(layer, "kernel", ()), getattr(layer, "stride", ())
    if not isinstance(kernel, tuple) or not kernel:
        return name
    name = name.removesuffix(f"{len(kernel)}d").rstrip() + " " + "×".join(map(str, kernel))
    if isinstance(stride, tuple) and any(step != 1 for step in stride):
        steps = stride[:1] if len(set(stride)) == 1 else stride
        name += " /" + "×".join(map(str, steps))
    return name


def lines_of(block: Block, labels: Sequence[str]) -> list[str]:
    """The lines at a block, for labels of LABELS."""
    lines = [kernel_label(block)] if "kernels" in labels else []
    if "sizes" in labels:
        lines.append(size_label(block.output))
    if "params" in labels and block.params:
        lines.append(f"{block.params:,} params")
    if "macs" in labels and block.macs:
        lines.append(f"{block.macs:,} MACs")
    if "rf" in labels and block.main is not None and block.main.receptive_field:
        sizes = [str(ceil(axis.size)) for axis in block.main.receptive_field]
        lines.append("field " + "×".join(sizes))
    return lines


def title_of(block: Block) -> str:
    """Every layer of a block, by name; its size, parameters and MACs."""
    if not block.rows:
        return f"input {size_label(block.output)}"
    count = len(block.rows) // block.times
    names = ", ".join(
        safe(name)
        for number in range(count)
        for name in _braced([row.name for row in block.rows[number::count]])
    )
    times = f" ×{block.times}" if block.times > 1 else ""
    counts = f", {block.params:,} params, {block.macs:,} MACs" if block.params else ""
    return f"{names}: {kernel_label(block)} {size_label(block.output)}{times}{counts}"


def _braced(names: list[str]) -> list[str]:
    """Names that count up in one place as one, as shells write it.

    >>> _braced(["layer.0.conv1", "layer.1.conv1", "layer.2.conv1"]), _braced(["a", "b"])
    (['layer.{0..2}.conv1'], ['a', 'b'])
    """
    first = names[0]
    for number in re.finditer("[0-9]+", first) if len(names) > 2 else ():
        before, start, behind = first[: number.start()], int(number[0]), first[number.end() :]
        if names == [f"{before}{start + copy}{behind}" for copy in range(len(names))]:
            return [f"{before}{{{start}..{start + len(names) - 1}}}{behind}"]
    return names
