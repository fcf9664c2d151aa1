"""Operators that move values, and those that reduce axes of a tensor."""

from collections.abc import Callable, Sequence
from math import prod

from convcli.nets.layers import Pad, PixelShuffle, Shape, Upsample
from convcli.nets.readers.folding import broadcast_shape
from convcli.nets.readers.onnx.call import Call, Operator, Results
from convcli.nets.readers.onnx.elementwise import arithmetic
from convcli.nets.readers.tensor_graph import Traced, traced
from convcli.nets.stored_arrays import numbers


def shape_of(call: Call) -> Results:
    shape = call.shape()
    start, end = call.integer("start", 0), call.integer("end", len(shape))
    part = shape[start:end]
    return numbers("int64", (len(part),), part)


def transpose(call: Call) -> Results:
    x = call.graph.source(call.x())
    axes = call.integers("perm")
    perm = list(reversed(range(len(x.shape)))) if axes is None else axes
    if sorted(perm) != list(range(len(x.shape))):
        raise call.refuse(f"{perm} is not an order of {len(x.shape)} axes")
    return x._replace(order=tuple(x.order[axis] for axis in perm))


def reshape_sizes(call: Call, shape: Shape) -> Shape:
    """The sizes that a Reshape gives: 0 keeps an axis, −1 stands for the rest."""
    sizes = call.integers("shape", 1)
    if sizes is None:
        raise call.refuse("the new shape is missing")
    if not call.integer("allowzero", 0):
        sizes = [shape[a] if n == 0 and a < len(shape) else n for a, n in enumerate(sizes)]
    if sizes.count(-1) == 1:
        known = prod(n for n in sizes if n != -1)
        left = prod(shape)
        if known < 1 or left % known:
            raise call.refuse(f"{left:,} values are given the shape {sizes}")
        sizes = [left // known if n == -1 else n for n in sizes]
    if any(n < 0 for n in sizes):
        raise call.refuse(f"the shape {sizes}")
    return tuple(sizes)


def flattened(call: Call, shape: Shape) -> Shape:
    axis = call.integer("axis", 1)
    axis = axis if axis == len(shape) else call.normal(axis, len(shape))
    return prod(shape[:axis]), prod(shape[axis:])


def squeezed(call: Call, shape: Shape) -> Shape:
    axes = call.integers("axes", 1)
    if axes is None:
        return tuple(n for n in shape if n != 1)
    gone = {call.normal(axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in gone):
        raise call.refuse(f"axes {axes} of {shape} are not 1")
    return tuple(n for axis, n in enumerate(shape) if axis not in gone)


def unsqueezed(call: Call, shape: Shape) -> Shape:
    axes = call.integers("axes", 1) or []
    rank = len(shape) + len(axes)
    new = {call.normal(axis, rank) for axis in axes}
    sizes = iter(shape)
    if len(new) != len(axes):
        raise call.refuse(f"axes {axes} occur twice")
    return tuple(1 if axis in new else next(sizes) for axis in range(rank))


RESHAPES: dict[str, Callable[[Call, Shape], Shape]] = {
    "Reshape": reshape_sizes,
    "Flatten": flattened,
    "Squeeze": squeezed,
    "Unsqueeze": unsqueezed,
}
"""The shapes of operators that keep the values and their order."""


def reshaped(sizes: Callable[[Call, Shape], Shape]) -> Operator:
    return lambda call: call.graph.reshaped(call.x(), sizes(call, call.shape()), call.name)


def concat(call: Call) -> Results:
    values = [call.x(index) for index in range(len(call.inputs))]
    axis = call.axis(0)
    rest = {(*v.shape[:axis], *v.shape[axis + 1 :]) for v in values}
    if len(rest) > 1 or len({len(v.shape) for v in values}) > 1:
        raise call.refuse(f"{values[0].shape} and others do not match")
    tensors = call.graph.in_one_order(values)
    if len(tensors) == 1:
        return tensors[0]
    y = call.graph.concat(tensors, axis, call.name)
    if y is not None:
        return y
    stored, order = tensors[0].stored, tensors[0].order
    own = order[axis]
    output = (*stored[:own], sum(x.stored[own] for x in tensors), *stored[own + 1 :])
    straight = [traced(x.node, x.stored) for x in tensors]
    y = call.graph.operation("concat", straight, output, own, name=call.name)
    return y._replace(order=order)


def slices(call: Call, shape: Shape) -> tuple[list[int], list[int], Shape]:
    """The first index, the step and the length on every axis of ONNX's Slice."""
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    if starts is None or ends is None or len(starts) != len(ends):
        raise call.refuse("its starts and ends do not match")
    axes = call.integers("axes", 3) or list(range(len(starts)))
    by = call.integers("steps", 4) or [1] * len(starts)
    if len(axes) != len(starts) or len(by) != len(starts):
        raise call.refuse("its axes and steps do not match")
    first, steps, lengths = [0] * len(shape), [1] * len(shape), list(shape)
    for start, end, axis, step in zip(starts, ends, axes, by, strict=True):
        axis = call.normal(axis, len(shape))
        n = shape[axis]
        if step == 0:
            raise call.refuse("a step of 0")
        # an end far before the first index means: up to the first index
        stop = None if step < 0 and end < -n else end
        kept = range(*slice(start, stop, step).indices(n))
        first[axis], steps[axis], lengths[axis] = kept.start, step, len(kept)
    return first, steps, tuple(lengths)


def slice_(call: Call) -> Results:
    x = call.graph.source(call.x())
    first, steps, lengths = slices(call, x.shape)
    return sliced(call, x, first, steps, lengths)


def sliced(
    call: Call, x: Traced, first: Sequence[int], steps: Sequence[int], lengths: Shape
) -> Traced:
    """A part of a tensor, for any order of its axes."""
    if lengths == x.shape and all(step == 1 for step in steps):
        return x
    rank = len(x.order)
    indices: list[tuple[int, int | None, int]] = [(0, None, 1)] * rank
    stored = [0] * rank
    for axis, own in enumerate(x.order):
        last = first[axis] + steps[axis] * lengths[axis]
        indices[own] = (first[axis], None if last < 0 else last, steps[axis])
        stored[own] = lengths[axis]
    return call.graph.along_axes("slice", x, tuple(stored), tuple(indices), name=call.name)


def split_sizes(call: Call, length: int) -> list[int]:
    """The lengths of the parts."""
    sizes = call.integers("split", 1)
    if sizes is None:
        count = call.integer("num_outputs", len(call.node.outputs))
        each = -(-length // max(count, 1))
        sizes = [max(min(each, length - each * part), 0) for part in range(count)]
    if sum(sizes) != length or len(sizes) < len(call.node.outputs) or min(sizes, default=0) < 0:
        raise call.refuse(f"{length} is cut into {sizes}")
    return sizes


def split(call: Call) -> Results:
    x = call.graph.source(call.x())
    axis, parts, start = call.axis(0), [], 0
    own = x.order[axis]
    for size in split_sizes(call, x.shape[axis]):
        stored = (*x.stored[:own], size, *x.stored[own + 1 :])
        ends = (own, start, start + size)
        parts.append(call.graph.along_axes("split", x, stored, *ends, name=call.name))
        start += size
    return parts


def expand(call: Call) -> Results:
    sizes = tuple(int(n) for n in call.numbers(1))
    shape = broadcast_shape(call.shape(), sizes)
    if shape is None:
        raise call.refuse(f"{call.shape()} to {sizes}")
    if shape == call.shape():
        return call.x()
    return call.operation("expand", shape, shape)


def tile(call: Call) -> Results:
    times = tuple(int(n) for n in call.numbers(1))
    if len(times) != len(call.shape()) or min(times, default=1) < 1:
        raise call.refuse(f"{times} times {call.shape()}")
    shape = tuple(n * by for n, by in zip(call.shape(), times, strict=True))
    return call.operation("repeat", shape, times)


BORDERS = ("constant", "reflect", "edge", "wrap")


def pad(call: Call) -> Results:
    x = call.graph.source(call.x())
    flat = call.integers("pads", 1) or call.integers("paddings") or []
    rank = len(x.shape)
    axes = [call.normal(int(a), rank) for a in call.numbers(3)] if call.has(3) else range(rank)
    if len(flat) != 2 * len(axes):
        raise call.refuse(f"{len(flat)} numbers for {len(axes)} axes")
    pads = [(0, 0)] * rank
    for axis, before, after in zip(axes, flat[: len(axes)], flat[len(axes) :], strict=True):
        pads[axis] = (before, after)
    values = call.floats("value", 2)
    mode = call.text("mode", "constant")
    if mode not in BORDERS:
        raise call.refuse(f"the mode {mode!r}")
    return padded(call, x, pads, mode, values[0] if values else 0.0)


def padded(
    call: Call, x: Traced, pads: Sequence[tuple[int, int]], mode: str, value: float
) -> Traced:
    """Cells added to (or cut from) the ends of the axes of a tensor."""
    if not any(map(any, pads)):
        return x
    rank = len(x.order)
    own = [pads[x.order.index(axis)] for axis in range(rank)]
    if 3 <= rank <= 5 and x.stored[0] == 1 and own[:2] == [(0, 0), (0, 0)]:
        record = Pad(tuple(own[2:]), mode, value)  # type: ignore[arg-type]
        straight = traced(x.node, x.stored)
        return call.graph.layer(record, straight, call.name)._replace(order=x.order)
    stored = tuple(n + sum(ends) for n, ends in zip(x.stored, own, strict=True))
    if min(stored, default=1) < 1:
        raise call.refuse(f"{pads} removes all of {x.shape}")
    return call.graph.along_axes("pad", x, stored, tuple(own), mode, value, name=call.name)


def center_crop_pad(call: Call) -> Results:
    """Axes cut or padded to a length, around their center."""
    x = call.graph.source(call.x())
    rank = len(x.shape)
    lengths = [int(n) for n in call.numbers(1)]
    axes = [call.normal(axis, rank) for axis in call.integers("axes") or range(rank)]
    if len(axes) != len(lengths) or min(lengths, default=1) < 1:
        raise call.refuse(f"{lengths} for {len(axes)} axes")
    pads, first, kept = [(0, 0)] * rank, [0] * rank, list(x.shape)
    for axis, length in zip(axes, lengths, strict=True):
        n = x.shape[axis]
        first[axis], kept[axis] = max(n - length, 0) // 2, min(n, length)
        missing = max(length - n, 0)
        pads[axis] = (missing // 2, missing - missing // 2)
    part = sliced(call, x, first, [1] * rank, tuple(kept))
    return padded(call, part, pads, "constant", 0.0)


def resize(call: Call) -> Results:
    """Resize, and Upsample before opset 10, which has its factors as input 1 or as an attribute."""
    x = call.graph.source(call.x())
    rank = len(x.shape)
    old = call.opset < 11
    scales = call.floats("scales", 1 if old else 2) or None
    sizes = None if old else call.integers("sizes", 3)
    axes = call.integers("axes") or list(range(rank))
    given: Sequence[float] | None = sizes or scales
    if given is None or len(given) != len(axes):
        raise call.refuse("neither sizes nor factors are known")
    factors: list[float] = [1.0] * rank
    lengths = list(x.shape)
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    for axis, number in zip(axes, given, strict=True):
        axis = call.normal(int(axis), rank)
        n = x.shape[axis]
        factors[axis] = number / n if sizes else number
        lengths[axis] = int(number) if sizes else int(n * number)
    if sizes and policy != "stretch":
        inner = [factors[call.normal(int(axis), rank)] for axis in axes]
        factor = min(inner) if policy == "not_larger" else max(inner)
        for axis in axes:
            axis = call.normal(int(axis), rank)
            factors[axis], lengths[axis] = factor, int(x.shape[axis] * factor + 0.5)
    if min(lengths, default=1) < 1:
        raise call.refuse(f"{x.shape} becomes {tuple(lengths)}")
    if call.integer("antialias", 0):
        raise call.refuse("antialiasing is not computed")
    mode = call.text("mode", "nearest")
    default = "half_pixel" if not old else "asymmetric"
    where = call.text("coordinate_transformation_mode", default)
    rounding = call.text("nearest_mode", "round_prefer_floor" if not old else "floor")
    roi = _whole_roi(call, axes, rank) if where == "tf_crop_and_resize" else []
    order = [x.order.index(axis) for axis in range(rank)]
    stored = tuple(lengths[axis] for axis in order)
    flat = traced(x.node, x.stored)
    maps = rank > 2 and stored[:2] == x.stored[:2] and x.stored[0] == 1
    known = _upsample(mode, where, rounding, [factors[a] for a in order[2:]])
    if maps and known is not None:
        is_integer = all(factors[axis] == int(factors[axis]) for axis in order[2:])
        scale = tuple(factors[axis] for axis in order[2:])
        record = Upsample(scale, (), *known) if is_integer else Upsample((), stored[2:], *known)
        if is_integer or [int(n * f) for n, f in zip(x.stored[2:], scale, strict=True)] == list(
            stored[2:]
        ):
            return call.graph.layer(record, flat, call.name)._replace(order=x.order)
    values = (
        *(mode, where, rounding, tuple(factors[axis] for axis in order), tuple(roi)),
        call.number("cubic_coeff_a", -0.75),
        bool(call.integer("exclude_outside", 0)),
        call.number("extrapolation_value", 0.0),
    )
    return call.graph.along_axes("resize", x, stored, stored, *values, name=call.name)


def _whole_roi(call: Call, axes: Sequence[int], rank: int) -> list[float]:
    """The parts of the axes that are resized, from 0 to 1: all starts, then all ends."""
    numbers = call.numbers(1)
    if len(numbers) != 2 * len(axes):
        raise call.refuse(f"a region of {len(numbers)} numbers for {len(axes)} axes")
    starts, ends = [0.0] * rank, [1.0] * rank
    for index, axis in enumerate(axes):
        starts[call.normal(axis, rank)] = numbers[index]
        ends[call.normal(axis, rank)] = numbers[index + len(axes)]
    return [*starts, *ends]


def _upsample(
    mode: str, where: str, rounding: str, factors: Sequence[float]
) -> tuple[str, bool] | None:
    """The equivalent mode of an Upsample layer, and whether it aligns corners."""
    exact = all(factor == int(factor) >= 1 for factor in factors)
    if mode == "nearest":
        floor = where == "asymmetric" and rounding == "floor"
        # an integer factor repeats each cell, whatever the coordinate mode
        centers = where in ("half_pixel", "pytorch_half_pixel")
        near = centers and rounding.startswith("round_prefer")
        return ("nearest", False) if exact and (floor or near) else None
    if mode in ("linear", "bilinear") and where in ("half_pixel", "align_corners"):
        return ("linear", where == "align_corners") if exact else None
    return None


def blocks(type_: str) -> Operator:
    """Blocks of a map to channels, `space_to_depth`, or channels to blocks."""
    to_depth = type_ == "space_to_depth"

    def read(call: Call) -> Results:
        block, shape = call.integer("blocksize", 1), call.shape()
        cut = shape[2:] if to_depth else shape[1:2]
        unit = block if to_depth else block**2
        if len(shape) != 4 or block < 1 or any(n % unit for n in cut):
            raise call.refuse(f"blocks of {block} in {shape}")
        if call.text("mode", "DCR") == "CRD":
            return call.layer(PixelShuffle(block, inverse=to_depth))
        n, c, h, w = shape
        deep = n, c * block**2, h // block, w // block
        flat = n, c // block**2, h * block, w * block
        return call.operation(type_, deep if to_depth else flat, block)

    return read


def reduced(type_: str) -> Operator:
    """A reduction of axes: an attribute, or since opset 13 or 18 an input."""

    def read(call: Call) -> Results:
        x = call.graph.source(call.x())
        axes = call.integers("axes", 1)
        if not axes:
            if call.integer("noop_with_empty_axes", 0):
                return x
            axes = list(range(len(x.shape)))
        gone = sorted({call.normal(axis, len(x.shape)) for axis in axes})
        if call.integer("keepdims", 1):
            own = tuple(x.order[axis] for axis in gone)
            stored = tuple(1 if axis in own else n for axis, n in enumerate(x.stored))
            return call.graph.along_axes(type_, x, stored, own, True, name=call.name)
        shape = tuple(n for axis, n in enumerate(x.shape) if axis not in gone)
        return call.graph.operation(type_, [x], shape, tuple(gone), False, name=call.name)

    return read


def hardmax(call: Call) -> Results:
    axis = call.axis(-1 if call.opset >= 13 else 1)
    if call.opset < 13 and axis != len(call.shape()) - 1:
        raise call.refuse("over several axes")
    return call.operation("hardmax", call.shape(), axis)


def mean_variance(call: Call) -> Results:
    axes = tuple(call.integers("axes") or (0, 2, 3))
    return call.operation("mean_variance", call.shape(), axes)


def rms_norm(call: Call) -> Results:
    """x / √(mean x² + ε) over the axes from `axis` on, times a scale."""
    values = call.axis(-1), call.number("epsilon", 1e-5)
    y = call.operation("rms_norm", call.shape(), *values)
    return arithmetic(call, "multiply", y, call.x(1))


TENSORS: dict[str, Operator] = {
    "Shape": shape_of,
    "Size": lambda call: numbers("int64", (), (prod(call.shape()),)),
    "Transpose": transpose,
    **{name: reshaped(sizes) for name, sizes in RESHAPES.items()},
    "Concat": concat,
    "Slice": slice_,
    "Split": split,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "CenterCropPad": center_crop_pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": blocks("depth_to_space"),
    "SpaceToDepth": blocks("space_to_depth"),
    **{f"Reduce{name.capitalize()}": reduced(name) for name in ("mean", "sum", "max", "min")},
    **{f"Reduce{name.capitalize()}": reduced(name) for name in ("prod", "l1", "l2")},
    "ReduceSumSquare": reduced("sum_square"),
    "ReduceLogSum": reduced("log_sum"),
    "ReduceLogSumExp": reduced("log_sum_exp"),
    "Hardmax": hardmax,
    "LpNormalization": lambda call: call.operation(
        "lp_norm", call.shape(), call.axis(-1), call.integer("p", 2)
    ),
    "MeanVarianceNormalization": mean_variance,
    "RMSNormalization": rms_norm,
}
