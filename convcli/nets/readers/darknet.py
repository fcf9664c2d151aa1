"""Darknet's `.cfg` files: one section per layer, which reads the one before, or others by number.

Rules are those of Darknet's parser (Redmon 2018) and of its successor by Bochkovskiy: `pad=1` is
half the size, a pool pads its size less one, `route` joins channels, `shortcut` adds.
"""

import os
import re
from collections.abc import Callable
from functools import lru_cache

from convcli.errors import SpecError
from convcli.nets.graph import INPUT, Given, Network, Reading, Stopped
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Concat,
    Conv,
    Identity,
    Layer,
    Linear,
    Merge,
    Norm,
    Pad,
    Pool,
    PoolKind,
    Shape,
    Upsample,
)
from convcli.nets.layers.tensor_ops import Broadcast
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, traced
from convcli.nets.readers.text_source import file_text
from convcli.nets.source_location import Where
from convcli.records import NamedTuple
from convcli.text import like, safe

MAX_SECTIONS = 10_000

SECTION = re.compile(r"^\[([\w-]+)\]\s*$")


def is_darknet(head: bytes) -> bool:
    """Whether a text begins with the section `[net]`, after comments."""
    lines = (line.strip() for line in head.splitlines())
    first = next((line for line in lines if line and line[:1] not in b"#;"), b"")
    return first.lower() in (b"[net]", b"[network]")


class _Section(NamedTuple):
    """A section with its values and its first line."""

    kind: str
    values: dict[str, str]
    where: Where

    def number(self, name: str, default: int) -> int:
        text = self.values.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"[+-]?\d{1,9}", text):
            raise Halt(f"{name}={safe(text)[:40]} is not a whole number")
        return int(text)

    def numbers(self, name: str) -> list[int]:
        parts = [part.strip() for part in self.values.get(name, "").split(",")]
        if not all(re.fullmatch(r"[+-]?\d{1,9}", part) for part in parts):
            raise Halt(f"{name}={safe(self.values.get(name, ''))[:40]} is not a list of numbers")
        return [int(part) for part in parts]


def read_darknet(path: str) -> Reading:
    """The network of a `.cfg` file. Raises SpecError with the line, Refusal."""
    source = os.path.basename(path)
    net, *sections = _sections(file_text(path), source)
    if net.kind not in ("net", "network") or not sections:
        raise SpecError(f"{safe(source)} does not begin with [net], or has no layers")
    try:
        shape = tuple(net.number(name, size) for name, size in SIZES)
    except Halt as halt:
        raise SpecError(f"{safe(source)}: {halt}") from None
    if min(shape) < 1:
        raise SpecError(f"{safe(source)}: [net] lacks width, height or channels")

    @lru_cache(maxsize=4)
    def read(shape: Shape, given: tuple[Given, ...] = ()) -> Network:
        return _network(sections, shape)._replace(redo=read)

    return Reading(Network((), redo=read), shape, "Darknet configuration")


SIZES = (("channels", 3), ("height", 0), ("width", 0))


def _sections(text: str, source: str) -> list[_Section]:
    sections: list[_Section] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        match = SECTION.match(line)
        if match:
            if len(sections) >= MAX_SECTIONS:
                raise SpecError(f"{safe(source)} has more than {MAX_SECTIONS:,} sections")
            sections.append(
                _Section(match[1].lower(), {}, Where(source, number, line, 0, len(line)))
            )
            continue
        name, equals, value = line.partition("=")
        if not equals or not sections:
            raise SpecError(
                f"{safe(source)}:{number}: {safe(line)[:60]!r} is not a setting of a section"
            )
        sections[-1].values[name.strip()] = value.partition("#")[0].strip()
    if not sections:
        raise SpecError(f"{safe(source)} holds no sections")
    return sections


class _Build(NamedTuple):
    """The graph so far, and the output of each section."""

    graph: TensorGraph
    results: list[Traced]
    section: _Section
    x: Traced

    @property
    def position(self) -> int:
        return len(self.results)

    def layer(self, record: Layer, x: Traced | None = None, name: str = "") -> Traced:
        return self.graph.layer(record, self.x if x is None else x, name or self.name)

    @property
    def name(self) -> str:
        """The section and its number, from 0, by which others refer to it."""
        return f"{self.position}.{self.section.kind}"

    def other(self, number: int) -> Traced:
        """The output of a section by number; a number below 0 counts back from here."""
        index = number + self.position if number < 0 else number
        if not 0 <= index < self.position:
            raise Halt(
                f"{number} is not a section before this one, which is number {self.position}"
            )
        return self.results[index]

    def normalized(self, x: Traced, name: str = "") -> Traced:
        return self.layer(Norm("batch", 2, x.stored[1], tracked=True, eps=1e-6), x, name)

    def activated(self, x: Traced) -> Traced:
        name = self.section.values.get("activation", "linear").lower()
        if name == "linear":
            return x
        if name not in ACTIVATIONS:
            raise Halt(f"activation={safe(name)[:40]} is not known{like(name, ACTIVATIONS)}")
        return self.layer(ACTIVATIONS[name], x, f"{self.position}.{name}")


ACTIVATIONS = {
    **{name: Activation(name) for name in ("relu", "relu6", "mish", "tanh", "elu", "selu")},
    **{name: Activation(name) for name in ("gelu", "softmax")},
    "leaky": Activation("leaky_relu", 0.1),
    "swish": Activation("silu"),
    "logistic": Activation("sigmoid"),
    "hard_mish": Activation("hard_swish"),
}


def _convolution(build: _Build) -> Traced:
    section = build.section
    size = section.number("size", 1)
    stride = section.number("stride", 1)
    pad = size // 2 if section.number("pad", 0) else section.number("padding", 0)
    normalized = bool(section.number("batch_normalize", 0))
    dilation = section.number("dilation", 1)
    groups = section.number("groups", 1)
    filters = section.number("filters", 1)
    if min(size, stride, dilation, groups, filters) < 1 or pad < 0:
        raise Halt("a size, stride, number of groups or filters below 1")
    record = Conv(
        filters,
        (size, size),
        (section.number("stride_y", stride), section.number("stride_x", stride)),
        ((pad * dilation, pad * dilation),) * 2,
        (dilation, dilation),
        groups,
        not normalized,
    )
    y = build.layer(record)
    if normalized:
        y = build.normalized(y, f"{build.position}.batch_norm")
    return build.activated(y)


def _pool(build: _Build) -> Traced:
    section = build.section
    stride = section.number("stride", 1)
    size = section.number("size", stride)
    total = section.number("padding", size - 1)
    if min(stride, size) < 1 or total < 0:
        raise Halt("a size or stride below 1")
    if section.number("maxpool_depth", 0):
        raise Halt("a pool over channels is not read")
    sides = (total // 2, total - total // 2)
    kind: PoolKind = "average" if section.kind == "local_avgpool" else "max"
    steps = section.number("stride_y", stride), section.number("stride_x", stride)
    return build.layer(Pool(kind, (size, size), steps, (sides, sides)))


def _shortcut(build: _Build) -> Traced:
    """A sum; for maps of different sizes, of their common corner or every n-th cell."""
    sources = [build.x, *map(build.other, build.section.numbers("from"))]
    if len({x.stored for x in sources}) > 1:
        return build.activated(
            build.graph.operation("shortcut", sources, build.x.stored, name=build.name)
        )
    node = build.graph.join(Merge("add"), sources, build.name)
    return build.activated(traced(node, build.x.stored))


def _gated(build: _Build) -> Traced:
    """Maps times one number per channel (`scale_channels`), or value by value (`sam`)."""
    (number,) = build.section.numbers("from")
    maps = build.other(number)
    gate = (1, maps.stored[1], 1, 1) if build.section.kind == "scale_channels" else maps.stored
    if build.x.stored != gate or build.section.number("scale_wh", 0):
        raise Halt(f"maps of {maps.stored[1:]} are scaled by {build.x.stored[1:]}")
    node = build.graph.join(Broadcast("multiply"), [maps, build.x], build.name)
    return build.activated(traced(node, maps.stored))


def _cropped(build: _Build) -> Traced:
    """The center of the maps, as Darknet crops where it does not train."""
    lengths = [build.section.number(f"crop_{name}", 1) for name in ("height", "width")]
    excess = [n - length for n, length in zip(build.x.stored[2:], lengths, strict=True)]
    if min(*excess, *(length - 1 for length in lengths)) < 0:
        raise Halt(f"{lengths[0]}x{lengths[1]} of {build.x.stored[2]}x{build.x.stored[3]}")
    return build.layer(Pad(tuple((-(more // 2), more // 2 - more) for more in excess)))


def _route(build: _Build) -> Traced:
    section = build.section
    sources = [build.other(number) for number in section.numbers("layers")]
    groups, group = section.number("groups", 1), section.number("group_id", 0)
    if groups > 1:
        parts = []
        for x in sources:
            each = x.stored[1] // groups
            if x.stored[1] % groups or not 0 <= group < groups:
                raise Halt(f"{x.stored[1]} channels are cut into {groups} groups")
            shape = (1, each, *x.stored[2:])
            ends = (1, group * each, (group + 1) * each)
            parts.append(build.graph.operation("split", [x], shape, *ends, name=build.name))
        sources = parts
    if len(sources) == 1:
        return sources[0]
    if len({x.stored[2:] for x in sources}) > 1:
        raise Halt(f"maps of {' and '.join(str(x.stored[2:]) for x in sources)} are joined")
    channels = sum(x.stored[1] for x in sources)
    node = build.graph.join(Concat(0), sources, build.name)
    return traced(node, (1, channels, *sources[0].stored[2:]))


def _connected(build: _Build) -> Traced:
    normalized = bool(build.section.number("batch_normalize", 0))
    outputs = build.section.number("output", 1)
    if outputs < 1:
        raise Halt("an output below 1")
    y = build.layer(Linear(outputs, not normalized))
    if normalized:
        y = build.normalized(y, f"{build.position}.batch_norm")
    return build.activated(y)


def _reorganized(build: _Build) -> Traced:
    step, (_, channels, height, width) = build.section.number("stride", 1), build.x.stored
    if step < 1 or height % step or width % step:
        raise Halt(f"stride {step} does not divide {height}x{width}")
    shape = (1, channels * step * step, height // step, width // step)
    return build.graph.operation("space_to_depth", [build.x], shape, step, name=build.name)


def _kept(type_: str) -> Callable[[_Build], Traced]:
    """A section that returns its input unchanged; its name says what it means."""
    return lambda build: build.layer(Identity(type_))


SECTIONS: dict[str, Callable[[_Build], Traced]] = {
    "convolutional": _convolution,
    "conv": _convolution,
    "maxpool": _pool,
    "local_avgpool": _pool,
    "avgpool": lambda build: build.layer(AdaptivePool("average", (1, 1))),
    "connected": _connected,
    "shortcut": _shortcut,
    "scale_channels": _gated,
    "sam": _gated,
    "crop": _cropped,
    "batchnorm": lambda build: build.activated(build.normalized(build.x)),
    "route": _route,
    "upsample": lambda build: build.layer(Upsample((build.section.number("stride", 2),))),
    "reorg": _reorganized,
    "reorg3d": _reorganized,
    "dropout": _kept("dropout"),
    "softmax": lambda build: build.layer(Activation("softmax")),
    "activation": lambda build: build.activated(build.x),
    **{name: _kept(name) for name in ("yolo", "gaussian_yolo", "region", "detection", "cost")},
}
"""The layers of each section."""


def _network(sections: list[_Section], shape: Shape) -> Network:
    graph, results = TensorGraph(), list[Traced]()
    x = traced(INPUT, (1, *shape))
    ends: list[Traced] = []
    stopped = None
    for section in sections:
        if section.kind not in SECTIONS:
            message = f"[{section.kind}] is not read{like(section.kind, SECTIONS)}"
            stopped = Stopped(message, section.where)
            break
        try:
            x = SECTIONS[section.kind](_Build(graph, results, section, x))
        except (ValueError, IndexError) as error:  # a Halt is one
            unfit = isinstance(error, Halt) and error.unfit
            stopped = Stopped(str(error), section.where, unfit)
            break
        results.append(x)
        if section.kind in HEADS:
            ends.append(x)
    ends = [*ends, *([x] if x not in ends else [])]
    network = graph.network(ends, stopped)
    return network._replace(outputs=tuple(end.node for end in ends))


HEADS = ("yolo", "gaussian_yolo", "region", "detection")
"""Sections that are outputs at any position."""
