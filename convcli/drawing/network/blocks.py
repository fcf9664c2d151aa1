"""A summary as the blocks of a figure: layers with what is folded into them, equal ones once.

Normalizations, activations, dropout and flattening are folded into the layer they follow, where
nothing else reads that layer. A repeated block is drawn once, and holds the rows of all copies.
"""

from collections import Counter
from collections.abc import Sequence

from convcli.errors import SpecError
from convcli.nets.analysis.summary import Row, Summary
from convcli.nets.graph import INPUT
from convcli.nets.layers import (
    Activation,
    Identity,
    LocalContrastNorm,
    LocalResponseNorm,
    Norm,
    PReLU,
    Reshape,
    Shape,
)
from convcli.nets.layers.tensor_ops import Input
from convcli.records import NamedTuple
from convcli.text import like, safe

FOLDED = (Activation, PReLU, Norm, LocalResponseNorm, LocalContrastNorm, Identity)
MAX_PERIOD = 40
"""Blocks of the longest part whose repetition is searched."""

KINDS = {
    "input": ("input",),
    "convolution": ("conv", "depthwise", "separable"),
    "pooling": ("pool",),
    "linear": ("linear", "rbf", "embedding", "lstm", "gru", "rnn", "attention"),
    "addition": ("add",),
    "concatenation": ("concat",),
    "enlarging": ("transposed", "conv_transpose", "upsample", "shuffle"),
}
"""The kind of a type, by a part of its name; the last match wins. All others are operations."""


class Block(NamedTuple):
    """One box of a figure."""

    rows: tuple[Row, ...]
    """Its layers, in order; none for the network's input. Of a repeated block, all copies'."""
    main: Row | None
    """The layer that gives it its kind and size."""
    inputs: tuple[int, ...]
    """The blocks it reads, by index."""
    output: Shape
    times: int = 1
    run: int = 0
    """The number of the repeated part that it belongs to; 0 for none."""
    scope: str = ""
    """The part of the names that its layers share, where it is several that depth folded."""

    @property
    def kind(self) -> str:
        """A key of KINDS, or "operation"."""
        if self.main is None or isinstance(self.main.node.layer, Input):
            return "input"
        kind = "operation"
        for name, parts in KINDS.items():
            if any(part in self.main.type for part in parts):
                kind = name
        return kind

    @property
    def params(self) -> int:
        return sum(row.params for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)


def blocks_of(
    summary: Summary, depth: int | None = None, collapse: bool = True, expand: Sequence[str] = ()
) -> list[Block]:
    """The blocks of a network, each behind those it reads; the first one is the input.

    With `depth`, layers whose names agree in that number of parts are one block. Parts in `expand`
    are folded one level deeper than that, and never collapsed with their equals. Raises SpecError
    for a part that no layer is in.
    """
    blocks = _folded(summary)
    opened = tuple(tuple(name.split(".")) for name in expand)
    _check_parts(blocks, opened)
    if depth is not None:
        blocks = _merged(blocks, depth, opened)
    if collapse:
        blocks = _collapsed(blocks, opened)
    return blocks


def depth_of(summary: Summary) -> int:
    """How deep the names of layers are nested.

    >>> from convcli import summarize
    >>> depth_of(summarize("vgg16").summary), depth_of(summarize("resnet18").summary)
    (1, 4)
    """
    return max((row.name.count(".") + 1 for row in summary.rows), default=1)


def _parts(block: Block) -> tuple[str, ...]:
    return tuple(block.main.name.split(".")) if block.main else ()


def _check_parts(blocks: Sequence[Block], opened: Sequence[tuple[str, ...]]) -> None:
    """Refuse parts to expand that are in no name."""
    known = {parts[:count]: None for parts in map(_parts, blocks) for count in range(1, len(parts))}
    for part in opened:
        if part not in known:
            name, names = ".".join(part), [".".join(parts) for parts in known]
            some = f"; there are {', '.join(map(safe, names[:6]))}" if names else ""
            raise SpecError(f"{safe(name)} is not a part of the network{some}{like(name, names)}")


def _folded(summary: Summary) -> list[Block]:
    """One block for every layer that is not folded into the one before."""
    readers = Counter(name for row in summary.rows for name in row.node.inputs)
    outputs = set(summary.outputs)
    reads_input = any(INPUT in row.node.inputs for row in summary.rows)
    blocks = [Block((), None, (), summary.input)] if reads_input or not summary.rows else []
    of = {INPUT: 0}
    for row in summary.rows:
        layer, inputs = row.node.layer, row.node.inputs
        folded = isinstance(layer, FOLDED) or (isinstance(layer, Reshape) and layer.shape == (-1,))
        if folded and len(inputs) == 1 and readers[inputs[0]] == 1 and inputs[0] not in outputs:
            index = of[inputs[0]]
            before = blocks[index]
            if before.kind != "input":
                blocks[index] = before._replace(rows=(*before.rows, row))
                of[row.name] = index
                continue
        of[row.name] = len(blocks)
        sources = tuple(of[name] for name in inputs)
        blocks.append(Block((row,), row, sources, row.output))
    return blocks


def shortcuts_of(blocks: Sequence[Block]) -> dict[int, tuple[int, int]]:
    """The blocks that stand on a shortcut, with where it starts and ends.

    A shortcut into an addition is a branch of at most two blocks beside a longer one; into a
    concatenation of two it has no weights, as crops have none.
    """
    readers: list[list[int]] = [[] for _ in blocks]
    for index, block in enumerate(blocks):
        for source in set(block.inputs):
            readers[source].append(index)
    on_shortcuts: dict[int, tuple[int, int]] = {}
    for end, block in enumerate(blocks):
        if block.kind not in ("addition", "concatenation") or len(block.inputs) != 2:
            continue
        branches: list[tuple[list[int], int]] = []
        for start in block.inputs:
            branch: list[int] = []
            while len(readers[start]) == 1 and len(blocks[start].inputs) == 1:
                branch.append(start)
                (start,) = blocks[start].inputs
            branches.append((branch, start))
        branch, start = min(branches, key=lambda each: len(each[0]))
        longest = max(len(other) for other, _ in branches)
        weights = sum(blocks[index].params for index in branch)
        if block.kind == "concatenation" and weights:
            continue
        if 0 < len(branch) <= 2 and len(branch) < longest and len(readers[start]) > 1:
            on_shortcuts |= dict.fromkeys(branch, (start, end))
    return on_shortcuts


def _merged(blocks: Sequence[Block], depth: int, opened: Sequence[tuple[str, ...]]) -> list[Block]:
    """Neighbors whose names agree in `depth` parts as one block of the last one's size."""
    merged: list[Block] = []
    of: list[int] = []
    scopes: list[tuple[str, ...]] = []
    for block in blocks:
        parts, level = _parts(block), depth
        for part in opened:
            if parts[: len(part)] == part:
                level = max(level, len(part) + 1)
        scope = parts[:level] if len(parts) > level else ()
        if scope and scopes and scopes[-1] == scope:
            own = len(merged) - 1
            last = merged[-1]
            outside = [of[i] for i in block.inputs if of[i] != own]
            main = max((last.main, block.main), key=lambda row: row.macs if row else 0)
            merged[-1] = Block(
                (*last.rows, *block.rows),
                main,
                tuple(dict.fromkeys((*last.inputs, *outside))),
                block.output,
                scope=".".join(scope),
            )
        else:
            merged.append(block._replace(inputs=tuple(of[i] for i in block.inputs)))
            scopes.append(scope)
        of.append(len(merged) - 1)
    return merged


def _collapsed(blocks: Sequence[Block], opened: Sequence[tuple[str, ...]]) -> list[Block]:
    """Consecutive equal parts as one, with their number."""
    known: dict[tuple[object, ...], int] = {}
    marks = [
        known.setdefault(
            (
                tuple((row.type, repr(row.node.layer), row.output) for row in block.rows),
                tuple(index - source for source in block.inputs),
                any(_parts(block)[: len(part)] == part for part in opened) and index,
            ),
            len(known),
        )
        for index, block in enumerate(blocks)
    ]
    last_reader = list(range(len(blocks)))
    for index, block in enumerate(blocks):
        for source in block.inputs:
            last_reader[source] = index
    result: list[Block] = []
    of: dict[int, int] = {}
    index = runs = 0
    while index < len(blocks):
        period, times = _repeats(marks, last_reader, index)
        if times > 1:
            runs += 1
        for offset in range(period):
            block = blocks[index + offset]
            copies = [blocks[index + offset + period * copy] for copy in range(times)]
            for copy in range(times):
                of[index + offset + period * copy] = len(result)
            rows = tuple(row for each in copies for row in each.rows)
            sources = tuple(of[source] for source in block.inputs)
            run = runs if times > 1 else 0
            result.append(block._replace(rows=rows, inputs=sources, times=times, run=run))
        index += period * times
    return result


def _repeats(marks: Sequence[int], last_reader: Sequence[int], start: int) -> tuple[int, int]:
    """The length and the number of the equal parts from `start` on; (1, 1) for none."""
    best = (1, 1)
    for period in range(1, min(MAX_PERIOD, (len(marks) - start) // 2) + 1):
        part = marks[start : start + period]
        times = 1
        while marks[start + times * period : start + (times + 1) * period] == part:
            times += 1
        # what is not the last copy is read by the part itself alone
        end = start + times * period
        inside = all(last_reader[i] < end for i in range(start, end - period))
        if times > 1 and inside and period * times > best[0] * best[1]:
            best = period, times
    return best
