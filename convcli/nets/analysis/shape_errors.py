"""The shape errors of PyTorch, Keras and TensorFlow: what their numbers mean, what to write.

Each message is one line of MESSAGES: a pattern of its wordings, and a function that explains the
match.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from math import gcd, isqrt, prod
from typing import TypeAlias

from convcli.geometry import Window
from convcli.records import NamedTuple

Axes: TypeAlias = tuple[int | None, ...]
"""A shape as a message writes it; None for an axis that is open, such as Keras's batch."""

MAX_LENGTH = 100_000
"""Characters of a message that are searched."""

MAX_SPLITS = 2
"""Maximum number of map shapes to name for a number of values."""


class Explanation(NamedTuple):
    """An error in plain words."""

    kind: str
    cause: str
    fixes: tuple[str, ...]
    figures: Mapping[str, object]
    met: int | None = None
    """Values or channels that arrive at the layer, if the message has both numbers."""
    declared: int | None = None
    """What the layer declares instead."""


def explain_message(text: str) -> tuple[str, Explanation] | None:
    """The last known message in a text, as it is written there, and what it means.

    >>> message, meaning = explain_message("size mismatch, m1: [32 x 9216], m2: [6400 x 128]")
    >>> meaning.declared, meaning.met, meaning.fixes[0]
    (6400, 9216, 'write nn.Linear(9216, 128)')
    """
    text = re.sub(r"(?<!\s)(?:\s*[\n\r]\s*|\s+/\s+)", " ", text[-MAX_LENGTH:])
    matches = [
        (match.start(), number, match, explain)
        for number, (pattern, explain) in enumerate(MESSAGES)
        for match in pattern.finditer(text)
        if not re.search(r"\d{19}", match[0])  # too large for any framework
    ]
    if not matches:
        return None
    # where two patterns match the same words, the first in the table is the closer one
    _, _, match, explain = max(matches, key=lambda one: (one[0], -one[1]))
    return match[0], explain(match)


def axes_of(text: str) -> Axes:
    """The sizes of a shape as any of the frameworks writes it.

    >>> axes_of("torch.Size([4, 16])"), axes_of("(None, 28, 28)"), axes_of("[?,4,4,3]")
    ((4, 16), (None, 28, 28), (None, 4, 4, 3))
    """
    words = re.findall(r"None|\?|-?\d+", text)
    return tuple(None if word in ("None", "?") else int(word) for word in words)


def maps_of(values: int, channels: int) -> str:
    """Values as channels of square maps."""
    side = isqrt(values // channels)
    return f"{channels}x{side}x{side}"


def common_channels(*values: int) -> list[int]:
    """Numbers of channels with which each count of values is a stack of square maps.

    >>> common_channels(9216, 6400)
    [256, 64]
    """
    if min(values) < 1:
        return []
    shared = gcd(*values)
    # a divisor d is one of a pair, d and shared / d, whose smaller one is below the root
    low = [d for d in range(1, min(isqrt(shared), 4096) + 1) if shared % d == 0]
    divisors = sorted({*low, *(shared // d for d in low)}, reverse=True)
    return [
        channels
        for channels in divisors
        if all(isqrt(one // channels) ** 2 * channels == one and one > channels for one in values)
    ][:MAX_SPLITS]


def _shape(axes: Sequence[int | None]) -> str:
    return f"({', '.join('None' if size is None else str(size) for size in axes)})"


def _linear(rows: int, met: int, declared: int, outputs: int) -> Explanation:
    cause = f"the batch has {rows:,} rows of {met:,} values; the linear layer declares {declared:,}"
    figures = {"rows": rows, "met": met, "declared": declared, "outputs": outputs}
    fixes = [f"write nn.Linear({met}, {outputs})"]
    channels = declared // (met * met) if met and declared % (met * met) == 0 else 0
    if declared > met > 1 and channels and rows % (channels * met) == 0:
        cause += (
            f" = {channels}x{met}x{met}: rows of {met} are rows of maps that were not flattened "
            f"(assumed)"
        )
        fixes.insert(0, "write x = torch.flatten(x, 1) before the linear layer")
    elif rows == 1 and met > declared > 0 and met % declared == 0:
        cause += (
            f"; {met:,} = {met // declared} x {declared:,}: the batch of {met // declared} "
            "is flattened too (assumed)"
        )
        fixes.insert(0, "write torch.flatten(x, 1), which keeps the batch, for torch.flatten(x)")
    else:
        cause += _as_maps(met, declared)
    return Explanation("linear", cause, tuple(fixes), figures, met, declared)


def _as_maps(met: int, declared: int) -> str:
    """How both numbers of values may be square maps with the same channels."""
    pairs = [
        f"{maps_of(met, channels)} and {maps_of(declared, channels)}"
        for channels in common_channels(met, declared)
    ]
    return f"; as maps of the same channels: {', '.join(pairs)}" if pairs else ""


def _matrices(m: re.Match[str]) -> Explanation:
    rows, met, declared, outputs = map(int, m.groups())
    return _linear(rows, met, declared, outputs)


def _channels(m: re.Match[str]) -> Explanation:
    transposed = m[1] == "transposed"
    groups = 1 if transposed else int(m[2])
    weight, shape = axes_of(m[3]), axes_of(m[4])
    expected, got = int(m[5]), int(m[6])
    outputs = weight[1] if transposed else weight[0]
    axes = len(weight) - 2
    kernel = set(weight[2:])
    window = str(weight[2]) if len(kernel) == 1 else _shape(weight[2:])
    layer = f"nn.Conv{'Transpose' if transposed else ''}{axes}d"
    figures = {"expected": expected, "met": got, "input": shape, "weight": weight, "groups": groups}
    cause = f"the input {_shape(shape)} has {got:,} channels; the layer declares {expected:,}"
    fixes = []
    if shape[-1] == expected and len(shape) > 2:
        order = (0, len(shape) - 1, *range(1, len(shape) - 1))
        cause += f", and {expected:,} stand last: the picture has channels last (assumed)"
        fixes.append(f"write x = x.permute{order} before the layer")
    more = ""
    if groups > 1:
        depthwise = weight[1] == 1 and outputs is not None and got and outputs % got == 0
        fitting = got if depthwise else gcd(groups, got)
        more = f", groups={fitting}"
    fixes.append(f"write {layer}({got}, {outputs}, {window}{more}), and keep its other arguments")
    if (got, expected) == (1, 3):
        fixes.append('or give color: image.convert("RGB"), or x.repeat(1, 3, 1, 1)')
    if (got, expected) == (3, 1):
        fixes.append('or give gray: image.convert("L"), or x.mean(1, keepdim=True)')
    return Explanation("channels", cause, tuple(fixes), figures, got, expected)


def _dimensions(shape: Axes, wanted: int, layer: str) -> Explanation:
    missing = wanted - len(shape)
    cause = (
        f"{layer} takes {wanted} axes with the batch; the input {_shape(shape)} has {len(shape)}"
    )
    figures = {"input": shape, "axes": wanted}
    if missing == 1:
        fix = (
            "write x = x.unsqueeze(0) for one picture, or x.unsqueeze(1) for a batch of one channel"
        )
    elif missing > 1:
        fix = f"write x = x[{'None, ' * missing}...], which adds the batch and the channel"
    else:
        fix = (
            f"write x = x.flatten(0, {-missing}), which makes one batch of the first "
            f"{1 - missing} axes; x.squeeze() drops axes of 1"
        )
    return Explanation("axes", cause, (fix,), figures)


def _unbatched(m: re.Match[str]) -> Explanation:
    return _dimensions(axes_of(m[3]), int(m[1]), m[2])


def _four_dimensional(m: re.Match[str]) -> Explanation:
    return _dimensions(axes_of(m[2]), int(m[1]), "the convolution")


def _kernel_too_large(m: re.Match[str]) -> Explanation:
    padded, kernel = axes_of(m[1]), axes_of(m[2])
    lacking = max((k or 0) - (p or 0) for p, k in zip(padded, kernel, strict=False))
    sizes = ["x".join(map(str, one)) for one in (padded, kernel)]
    return Explanation(
        "window",
        f"the maps are {sizes[0]} with their padding, smaller than the kernel {sizes[1]}",
        (
            f"write {(lacking + 1) // 2} more of padding= in this layer, or a kernel of "
            f"{min(p or 0 for p in padded)}",
            "or give a larger input, or leave out a stride or a pool before it",
        ),
        {"padded": padded, "kernel": kernel},
    )


def _too_small(m: re.Match[str]) -> Explanation:
    before, after = axes_of(m[1]), axes_of(m[2])
    sizes = ["x".join(map(str, one[1:])) for one in (before, after)]
    return Explanation(
        "window",
        f"the maps are {sizes[0]} before this layer, and it would give {sizes[1]}",
        (
            "leave this layer out, or write ceil_mode=True in a pool that begins within the maps",
            "or give a larger input, or leave out a stride or a pool before it",
        ),
        {"input": before, "output": after},
    )


def _pad_half(m: re.Match[str]) -> Explanation:
    padding, kernel = int(m[1]), int(m[2])
    dilation = int(m[3] or 1)
    most = Window(kernel, 1, dilation).dilated_kernel // 2
    return Explanation(
        "padding",
        f"a pool may pad at most half of its window: {most} for a kernel of {kernel}"
        f"{f' with dilation {dilation}' if dilation > 1 else ''}, not {padding}",
        (f"write padding={most}, or pad before it: nn.ZeroPad2d({padding})",),
        {"padding": padding, "kernel": kernel, "dilation": dilation, "maximum": most},
    )


def _statistics(m: re.Match[str]) -> Explanation:
    met, declared = int(m[1]), int(m[2])
    return Explanation(
        "channels",
        f"the maps have {met:,} channels; the norm declares {declared:,}",
        (f"write nn.BatchNorm2d({met}) (or 1d or 3d, as before)",),
        {"met": met, "declared": declared},
        met,
        declared,
    )


def _norm_axes(m: re.Match[str]) -> Explanation:
    got = int(m[2])
    kinds = {2: "nn.BatchNorm1d", 3: "nn.BatchNorm1d", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}
    return Explanation(
        "axes",
        f"the norm takes {m[1]} tensors; its input has {got} axes",
        (f"write {kinds.get(got, 'a norm for that many axes')} for this norm",),
        {"expected": m[1], "axes": got},
    )


def _one_value(m: re.Match[str]) -> Explanation:
    shape = axes_of(m[1])
    return Explanation(
        "batch",
        f"batch norm trains on the statistics of a channel; {_shape(shape)} has one value per "
        f"channel",
        (
            "write model.eval() for a single picture",
            "in training give at least 2 pictures: DataLoader(..., drop_last=True)",
        ),
        {"input": shape},
    )


def _view(m: re.Match[str]) -> Explanation:
    target, values = axes_of(m[1]), int(m[2])
    known = prod(size for size in target if size is not None and size > 0)
    open_ = -1 in target
    cause = f"{values:,} values are not a multiple of {known:,}" if open_ else ""
    cause = cause or f"there are {values:,} values, and {_shape(target)} holds {known:,}"
    fixes = ("write x = torch.flatten(x, 1), and nn.Linear for what comes out of it",)
    return Explanation("view", cause, fixes, {"shape": target, "values": values})


def _contiguous(_: re.Match[str]) -> Explanation:
    return Explanation(
        "view",
        "view needs contiguous values, and a permute or a slice only changes how they are read",
        ("write .reshape(...) for .view(...), or .contiguous() before it",),
        {},
    )


def _sum(m: re.Match[str]) -> Explanation:
    a, b, axis = map(int, m.groups())
    cause = f"two tensors are added or compared whose axis {axis} is {a:,} and {b:,} long"
    small, large = sorted((a, b))
    if axis == 1:
        fix = f"give both the same channels: nn.Conv2d({a}, {b}, 1) in the branch that has {a}"
    elif large == 2 * small and axis > 1:
        fix = "give both branches the same stride: stride=2 in the shortcut, or in neither"
    elif axis > 1 and large - small <= 2:
        fix = (
            "write padding=kernel_size // 2 in the convolutions of both branches, or resize one: "
            "F.interpolate(a, size=b.shape[2:])"
        )
    else:
        fix = "give both the same shape: of a loss, output and target; b.unsqueeze(1) adds an axis"
    return Explanation("add", cause, (fix,), {"a": a, "b": b, "axis": axis})


def _cat(m: re.Match[str]) -> Explanation:
    axis, first, second = int(m[1]), int(m[2]), int(m[3])
    cause = (
        f"tensors are joined along axis {axis}, and another axis is {first:,} and {second:,} long"
    )
    fix = (
        "resize one to the other before torch.cat: F.interpolate(b, size=a.shape[2:]), "
        "or crop: a[..., :b.shape[-2], :b.shape[-1]]"
    )
    return Explanation("cat", cause, (fix,), {"axis": axis, "first": first, "second": second})


def _groups(m: re.Match[str]) -> Explanation:
    return Explanation(
        "groups",
        f"{m[1]} is not a multiple of groups",
        (f"write groups that divide both: math.gcd(in_channels, out_channels); here {m[1]} fails",),
        {"argument": m[1]},
    )


def _same(_: re.Match[str]) -> Explanation:
    return Explanation(
        "padding",
        "PyTorch pads 'same' only with stride 1",
        ("write padding=kernel_size // 2, which gives ceil(input / stride) for odd kernels",),
        {},
    )


CALLS = {"float": "float", "double": "double", "half": "half", "long": "long", "int": "int"}
"""How PyTorch converts to a type, by the last word of the type's name in messages."""


def _types(m: re.Match[str]) -> Explanation:
    given, wanted = m[1], m[2]
    if ("cuda" in given) != ("cuda" in wanted):
        where = "cuda" if "cuda" in wanted else "cpu"
        fix = f'write x = x.to("{where}"), or model.to(x.device)'
    else:
        name = wanted.rpartition(".")[2].removesuffix("Tensor").lower()
        fix = f"write x = x.{CALLS.get(name, 'to(model.dtype)')}{'()' if name in CALLS else ''}"
        if "char" in given or "Byte" in given:
            fix += " / 255"
    return Explanation(
        "type",
        f"the input is {given}, and the weights are {wanted}",
        (f"{fix} before the model",),
        {"input": given, "weights": wanted},
    )


def _scalar_types(m: re.Match[str]) -> Explanation:
    names = {m[1].lower(), m[2].lower()}
    fix = "write x = x.float() before the model"
    if "long" in names:
        fix += "; class numbers of cross_entropy are y.long()"
    return Explanation(
        "type", f"{m[1]} and {m[2]} meet in one operation", (fix,), {"types": [m[1], m[2]]}
    )


def _batch_sizes(m: re.Match[str]) -> Explanation:
    met, target = int(m[1]), int(m[2])
    cause = f"the output has {met:,} rows and the targets {target:,}"
    if met and target and (met % target == 0 or target % met == 0):
        cause += f", a factor of {max(met, target) // min(met, target)}"
    return Explanation(
        "batch",
        cause,
        (
            "keep the batch as the first axis: torch.flatten(x, 1) or x.view(x.size(0), -1), "
            "not view(-1, N)",
        ),
        {"output": met, "target": target},
    )


def _recurrent(m: re.Match[str]) -> Explanation:
    declared, met = int(m[1]), int(m[2])
    return Explanation(
        "recurrent",
        f"each step has {met:,} values; input_size is {declared:,}",
        (
            f"write input_size={met}",
            "or x.transpose(1, 2), if the steps are the last axis",
        ),
        {"declared": declared, "met": met},
        met,
        declared,
    )


def _layer_norm(m: re.Match[str]) -> Explanation:
    declared, shape = axes_of(m[1]), axes_of(m[2])
    last = shape[len(shape) - len(declared) :]
    return Explanation(
        "norm",
        f"{_shape(shape)} ends with {_shape(last)}; the norm declares {_shape(declared)}",
        (f"write nn.LayerNorm({list(last) if len(last) > 1 else last[0]})",),
        {"declared": declared, "input": shape},
    )


def _pixel_shuffle(m: re.Match[str]) -> Explanation:
    channels, square = int(m[1]), int(m[2])
    fitting = -(-channels // square) * square
    return Explanation(
        "channels",
        f"{channels:,} channels are not a multiple of {square} = {isqrt(square)}x{isqrt(square)}",
        (f"write {fitting} output channels in the layer before; {fitting // square} remain",),
        {"channels": channels, "square": square},
    )


def _state(m: re.Match[str]) -> Explanation:
    text = m[0]
    sizes = re.findall(
        r"size mismatch for (\S+): copying a param with shape (.{0,200}?) from checkpoint, "
        r"the shape in current model is (.{0,200}?\])",
        text,
    )
    missing = re.search(
        r"Missing key\(s\) in state_dict: (.*?)(?: Unexpected|size mismatch|$)", text
    )
    surplus = re.search(r"Unexpected key\(s\) in state_dict: (.*?)(?:size mismatch|$)", text)
    causes, fixes = [], []
    for name, stored, own in sizes[:4]:
        causes.append(
            f"{name} is {_shape(axes_of(stored))} in the file, {_shape(axes_of(own))} here"
        )
    if sizes:
        fixes.append("build the model with the arguments it was trained with (classes, channels)")
    if missing or surplus:
        causes.append("names of the file and of the model differ")
        keys = surplus[1] if surplus else ""
        if '"module.' in keys:
            fixes.append(
                'write {k.removeprefix("module."): v for k, v in state.items()}: '
                "the file is of DataParallel"
            )
        else:
            fixes.append("load with strict=False only if the missing names are meant to be new")
    return Explanation(
        "state dict",
        "; ".join(causes) or f"the file's weights do not match {m[1]}",
        tuple(fixes) or ("compare names and shapes: convcli shape FILE.pth lists the file's",),
        {"mismatches": [{"name": n, "file": axes_of(s), "model": axes_of(o)} for n, s, o in sizes]},
    )


def _reflect(m: re.Match[str]) -> Explanation:
    padding, axis, shape = axes_of(m[1]), int(m[2]), axes_of(m[3])
    length = shape[axis] if axis < len(shape) else None
    return Explanation(
        "padding",
        f"reflection needs more cells than it pads: axis {axis} has {length}, the padding is "
        f"{_shape(padding)}",
        (
            f"write a padding of at most {(length or 1) - 1}",
            "or padding_mode='zeros' or 'replicate'",
        ),
        {"padding": padding, "axis": axis, "input": shape},
    )


def _unflatten(m: re.Match[str]) -> Explanation:
    sizes, axis, values = axes_of(m[1]), int(m[2]), int(m[3])
    product = prod(size or 1 for size in sizes)
    return Explanation(
        "view",
        f"{_shape(sizes)} holds {product:,} values, and axis {axis} has {values:,}",
        (f"write {product} outputs in the layer before, or sizes whose product is {values}",),
        {"sizes": sizes, "axis": axis, "values": values},
        values,
        product,
    )


def _expand(m: re.Match[str]) -> Explanation:
    wanted, existing, axis = int(m[1]), int(m[2]), int(m[3])
    return Explanation(
        "expand",
        f"only an axis of 1 can be expanded; axis {axis} is {existing:,}, not {wanted:,}",
        ("write x.unsqueeze(axis) where an axis of 1 is missing, or x.repeat(...)",),
        {"target": wanted, "size": existing, "axis": axis},
    )


def _batched_matrices(m: re.Match[str]) -> Explanation:
    wanted, met = axes_of(m[1]), axes_of(m[2])
    return Explanation(
        "matmul",
        f"the second factor begins with {_shape(met)}; the first one asks for {_shape(wanted)}",
        ("write b.transpose(1, 2) if its last two axes are swapped",),
        {"expected": wanted, "met": met},
    )


def _attention(m: re.Match[str]) -> Explanation:
    declared, met = int(m[1]), int(m[2])
    return Explanation(
        "attention",
        f"each token has {met:,} values; embed_dim is {declared:,}",
        (
            f"write embed_dim={met}, with num_heads that divide it",
            f"or project before it: nn.Linear({met}, {declared})",
        ),
        {"declared": declared, "met": met},
        met,
        declared,
    )


def _negative(shape: Axes, kernel: Axes, what: str) -> Explanation:
    return Explanation(
        "window",
        f"the {what} {'x'.join(map(str, kernel[:2]))} is larger than the maps "
        f"{'x'.join(map(str, shape[1:3]))}",
        (
            'write padding="same" in this layer, or a smaller window',
            "or give a larger input, or leave out a stride or a pool before it",
        ),
        {"input": shape, "window": kernel},
    )


def _keras_negative(m: re.Match[str]) -> Explanation:
    what = "kernel" if m[2].startswith("kernel") else "window"
    return _negative(axes_of(m[1]), axes_of(m[3]), what)


def _tensorflow_negative(m: re.Match[str]) -> Explanation:
    kernel, length = int(m[1]), int(m[2])
    return _negative((None, length, length), (kernel, kernel), "window")


def _downsampled(m: re.Match[str]) -> Explanation:
    shape = axes_of(m[1])
    maps = "x".join(map(str, shape[1:3]))
    return Explanation(
        "window",
        f"the maps are {maps} before this layer, and it would give nothing",
        ('write padding="same" in this layer', "or give a larger input"),
        {"input": shape},
    )


def _keras_axes(m: re.Match[str]) -> Explanation:
    wanted, shape = int(m[2]), axes_of(m[4] or "")
    least = " at least" if m[1] else ""
    given = f"; the input is {_shape(shape)}" if shape else f"; the input has {m[3]}"
    fix = "write x = x[..., None] for gray pictures, x[None] for one picture without its batch"
    if int(m[3]) > wanted:
        fix = "write Flatten() or GlobalAveragePooling2D() before this layer"
    return Explanation(
        "axes",
        f"the layer takes{least} {wanted} axes with the batch{given}",
        (fix,),
        {"axes": wanted, "input": shape},
    )


def _keras_last(m: re.Match[str]) -> Explanation:
    declared, shape = int(m[1]), axes_of(m[2])
    met = shape[-1] if shape else None
    cause = f"the last axis of {_shape(shape)} is {met}; the layer was built for {declared:,}"
    if len(shape) == 2 and met is not None:
        return Explanation(
            "linear",
            cause + _as_maps(met, declared),
            (
                "give the model the size it was built for: the shape of its Input or input_shape",
                f"or build it anew for the size that gives {met:,} values",
            ),
            {"declared": declared, "input": shape},
            met,
            declared,
        )
    fix = f"give {declared} channels"
    if (met, declared) == (1, 3):
        fix = "write x = np.repeat(x, 3, -1), or Input(shape=(..., 1))"
    if declared in shape[1:-1]:
        fix = "write x = np.moveaxis(x, 1, -1): Keras takes channels last"
    return Explanation(
        "channels", cause, (fix,), {"declared": declared, "input": shape}, met, declared
    )


def _keras_sum(m: re.Match[str]) -> Explanation:
    first, second = axes_of(m[1]), axes_of(m[2])
    return Explanation(
        "add",
        f"the branches are {_shape(first)} and {_shape(second)}",
        ("give both the same strides and filters: Conv2D(filters, 1, strides=...) in one",),
        {"first": first, "second": second},
    )


def _keras_concat(m: re.Match[str]) -> Explanation:
    shapes = [axes_of(one) for one in re.findall(r"\([^()]*\)", m[1])]
    return Explanation(
        "cat",
        f"the branches are {' and '.join(map(_shape, shapes))}; only the joined axis may differ",
        (
            'write padding="same" in both branches, or Cropping2D/ZeroPadding2D in one',
            "or an input whose sides every stride divides",
        ),
        {"shapes": shapes},
    )


def _keras_reshape(m: re.Match[str]) -> Explanation:
    given, target = axes_of(m[1]), axes_of(m[2])
    values, product = (prod(size or 1 for size in one) for one in (given, target))
    cause = f"the input {_shape(given)} has {values:,} values, {_shape(target)} {product:,}"
    front = prod(size or 1 for size in target[:-1])
    fix = f"write Dense({product}) before it"
    if front and values % front == 0:
        fix = f"write Reshape({(*target[:-1], values // front)}), or {fix[6:]}"
    return Explanation("view", cause, (fix,), {"input": given, "target": target}, values, product)


def _keras_loss(m: re.Match[str]) -> Explanation:
    target, output = axes_of(m[1]), axes_of(m[2])
    fixes = [f"write Dense({target[-1]}) last"] if target and target[-1] else []
    if target and output and target[-1] == 1 and output[-1] != 1:
        fixes.insert(0, 'write loss="sparse_categorical_crossentropy" for class numbers')
    return Explanation(
        "loss",
        f"the targets are {_shape(target)}, and the model gives {_shape(output)}",
        tuple(fixes),
        {"target": target, "output": output},
    )


def _cardinality(m: re.Match[str]) -> Explanation:
    x, y = axes_of(m[1]), axes_of(m[2])
    return Explanation(
        "batch",
        f"x has {_shape(x)[1:-1]} samples and y {_shape(y)[1:-1]}",
        ("give as many labels as samples: slice both in the same way, or split them in one call",),
        {"x": x, "y": y},
    )


SHAPE = r"(?:torch\.Size\()?[\[(][^\])]*[\])]+"

MESSAGES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Explanation]], ...] = tuple(
    (re.compile(pattern), explain)
    for pattern, explain in (
        (
            r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
            _matrices,
        ),
        (
            r"size mismatch, (?:m1: )?\[(\d+) x (\d+)\], (?:m2: )?\[(\d+) x (\d+)\]",
            _matrices,
        ),
        (
            r"Matrix size-incompatible: In\[0\]: \[(\d+),(\d+)\], In\[1\]: \[(\d+),(\d+)\]",
            _matrices,
        ),
        (
            r"Given (groups|transposed)=(\d+), weight(?: of size )? ?(\[[\d, ]+\]), (?:so )?"
            r"expected input ?(\[[\d, ]+\]) to have (\d+) channels, but got (\d+) channels instead",
            _channels,
        ),
        (
            r"Expected \dD \(unbatched\) or (\d)D \(batched\) input to (\w+), but got input of "
            r"size: (\[[\d, ]*\])",
            _unbatched,
        ),
        (
            r"Expected (\d)-dimensional input for \d-dimensional weight ?\[?[\d, ]*\]?, but got "
            r"\d-dimensional input of size (\[[\d, ]*\])",
            _four_dimensional,
        ),
        (
            r"Calculated padded input size per channel: \(([\d x]+)\)\. Kernel size: \(([\d x]+)\)",
            _kernel_too_large,
        ),
        (
            r"Given input size: \(([\dx]+)\)\. Calculated output size: \(([-\dx]+)\)",
            _too_small,
        ),
        (
            r"pad should be at most half of (?:effective )?kernel size, but got pad=(\d+), "
            r"kernel_size=(\d+)(?: and dilation=(\d+))?",
            _pad_half,
        ),
        (
            r"pad should be smaller than half of kernel size, but got padW = (\d+), "
            r"padH = \d+, kW = (\d+), kH = \d+()",
            _pad_half,
        ),
        (r"running_mean should contain (\d+) elements not (\d+)", _statistics),
        (r"expected (\dD(?: or \dD)?) input \(got (\d)D input\)", _norm_axes),
        (
            rf"Expected more than 1 value per channel when training, got input size ({SHAPE})",
            _one_value,
        ),
        (r"shape '(\[[-\d, ]+\])' is invalid for input of size (\d+)", _view),
        (r"view size is not compatible with input tensor's size and stride", _contiguous),
        (
            r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at "
            r"non-singleton dimension (\d+)",
            _sum,
        ),
        (
            r"Sizes of tensors must match except in dimension (\d+)\. (?:Expected size|Got) (\d+) "
            r"(?:but got size|and) (\d+)",
            _cat,
        ),
        (r"(in_channels|out_channels) must be divisible by groups", _groups),
        (r"padding='same' is not supported for strided convolutions", _same),
        (
            r"Input type \(([\w. ]+)\) and (?:bias|weight) type \(([\w. ]+)\) should be the same",
            _types,
        ),
        (
            r"expected (?:scalar )?type (\w+) but (?:found|got) (\w+)",
            _scalar_types,
        ),
        (r"must have the same dtype, but got (\w+) and (\w+)", _scalar_types),
        (r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)", _batch_sizes),
        (
            r"input\.size\(-1\) must be equal to input_size\. Expected (\d+), got (\d+)",
            _recurrent,
        ),
        (
            r"Given normalized_shape=(\[[\d, ]+\]), expected input with shape \[[*\d, ]+\], "
            r"but got input of size ?(\[[\d, ]+\])",
            _layer_norm,
        ),
        (
            r"pixel_shuffle expects .{0,200}? but input\.size\(-3\)=(\d+) "
            r"is not divisible by ([1-9]\d*)",
            _pixel_shuffle,
        ),
        (r"Error\(s\) in loading state_dict for (\w+):.*", _state),
        (
            r"Padding size should be less than the corresponding input dimension, but got: padding "
            r"(\([\d, ]+\)) at dimension (\d+) of input (\[[\d, ]+\])",
            _reflect,
        ),
        (
            r"unflatten: Provided sizes (\[[-\d, ]+\]) don't multiply up to the size of dim (\d+) "
            r"\((\d+)\)",
            _unflatten,
        ),
        (
            r"The expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at "
            r"non-singleton dimension (\d+)",
            _expand,
        ),
        (
            r"Expected size for first two dimensions of batch2 tensor to be: (\[[\d, ]+\]) "
            r"but got: (\[[\d, ]+\])",
            _batched_matrices,
        ),
        (r"was expecting embedding dimension of (\d+), but got (\d+)", _attention),
        (
            r"Computed output size would be zero or negative\. Received:? `inputs[. ]shape="
            rf"({SHAPE})`, `(kernel shape|pool_size)=({SHAPE})`",
            _keras_negative,
        ),
        (r"Negative dimension size caused by subtracting (\d+) from (\d+)", _tensorflow_negative),
        (
            r"One of the dimensions in the output is <= 0 due to downsampling.{0,400}?input shape "
            rf"({SHAPE})",
            _downsampled,
        ),
        (
            r"expected (min_)?ndim=(\d+), found ndim=(\d+)"
            rf"(?:\. Full shape received: ({SHAPE}))?",
            _keras_axes,
        ),
        (
            r"expected axis -1 of input shape to have value (\d+),? but "
            rf"(?:received input with|got) shape ({SHAPE})",
            _keras_last,
        ),
        (
            rf"Inputs have incompatible shapes\. Received shapes ({SHAPE}) and ({SHAPE})",
            _keras_sum,
        ),
        (
            rf"Operands could not be broadcast together with shapes ({SHAPE}) ({SHAPE})",
            _keras_sum,
        ),
        (
            r"`Concatenate` layer requires inputs with matching shapes except for the concat\w* "
            r"axis\. (?:Received: input_shape=|Got inputs shapes: )(\[.*?\)\])",
            _keras_concat,
        ),
        (
            r"total size of (?:the tensor|new array) must be unchanged[.,] (?:Received: )?"
            rf"input_shape ?= ?({SHAPE}), (?:target|output)_shape ?= ?({SHAPE})",
            _keras_reshape,
        ),
        (
            r"`target` and `output` must have the same shape\. Received: target\.shape="
            rf"({SHAPE}), output\.shape=({SHAPE})",
            _keras_loss,
        ),
        (rf"Shapes ({SHAPE}) and ({SHAPE}) are incompatible", _keras_loss),
        (
            r"Data cardinality is ambiguous\..{0,400}?'x' sizes: ([\d, ]+?)[ /]*"
            r"'y' sizes: ([\d, ]+)",
            _cardinality,
        ),
    )
)
"""Every message: its wordings, including old ones, and the function that explains it."""
