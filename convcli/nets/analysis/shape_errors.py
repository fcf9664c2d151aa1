"""The shape errors of PyTorch, Keras and TensorFlow: what their numbers mean, what to write.

Each message is one entry of MESSAGES: a pattern whose named groups are its figures, and its
explanation: texts that hold the figures, or a function of them.
"""

import re
from collections.abc import Callable, Mapping
from math import gcd, isqrt, prod
from operator import itemgetter

from convcli.geometry import Window
from convcli.records import NamedTuple

MAX_LENGTH = 100_000
"""Characters of a message that are searched."""

MAX_SPLITS = 2
"""Maximum number of map shapes to name for a number of values."""


class Axes(tuple[int | None, ...]):
    """A shape as a message writes it; None for an axis that is open, such as Keras's batch.

    >>> f"{Axes((None, 28, 28))} of {Axes((28, 28)):x}"
    '(None, 28, 28) of 28x28'
    """

    def __format__(self, between: str) -> str:
        return between.join(map(str, self)) if between else f"({', '.join(map(str, self))})"


class Meaning(NamedTuple):
    """A message in plain words, and what to write."""

    kind: str
    cause: str
    fixes: tuple[str, ...]
    figures: Mapping[str, object] = {}
    """What JSON holds: the figures of the message, or others that were computed."""
    met: int | None = None
    """Values or channels that arrive at the layer, if the message has both numbers."""
    declared: int | None = None
    """What the layer declares instead."""


def explain_message(text: str) -> tuple[str, Meaning] | None:
    """The last known message in a text, as it is written there, and what it means.

    >>> message, meaning = explain_message("size mismatch, m1: [32 x 9216], m2: [6400 x 128]")
    >>> meaning.declared, meaning.met, meaning.fixes[0]
    (6400, 9216, 'write nn.Linear(9216, 128)')
    """
    text = re.sub(r"(?<!\s)(?:\s*[\n\r]\s*|\s+/\s+)", " ", text[-MAX_LENGTH:])
    matches = [
        (match.start(), -number, match, explain)
        for number, (pattern, explain) in enumerate(MESSAGES)
        for match in pattern.finditer(text)
        if not re.search(r"\d{19}", match[0])  # too large for any framework
    ]
    if not matches:
        return None
    # where two patterns match the same words, the first in the table is the closer one
    _, _, match, explain = max(matches, key=itemgetter(0, 1))
    groups = match.groupdict().items()
    figures: Mapping[str, object] = {
        name: _figure(group) for name, group in groups if group is not None
    }
    meaning = explain(**figures)
    figures = meaning.figures or figures
    met, declared = figures.get("met"), figures.get("declared")
    return match[0], meaning._replace(
        figures=figures,
        met=met if isinstance(met, int) else meaning.met,
        declared=declared if isinstance(declared, int) else meaning.declared,
    )


def _figure(text: str) -> int | str | Axes:
    """A group of a message: a number, a shape in brackets, or words."""
    if text.isdecimal():
        return int(text)
    return axes_of(text) if re.fullmatch(SHAPE, text) else text


def axes_of(text: str) -> Axes:
    """The sizes of a shape as any of the frameworks writes it.

    >>> axes_of("torch.Size([4, 16])"), axes_of("(None, 28, 28)"), axes_of("[?,4,4,3]")
    ((4, 16), (None, 28, 28), (None, 4, 4, 3))
    """
    words = re.findall(r"None|\?|-?\d+", text)
    return Axes(None if word in ("None", "?") else int(word) for word in words)


def wording(kind: str, cause: str, *fixes: str) -> Callable[..., Meaning]:
    """An explanation by texts that hold the figures of the message."""

    def explain(**figures: object) -> Meaning:
        texts = tuple(fix.format_map(figures) for fix in fixes)
        return Meaning(kind, cause.format_map(figures), texts)

    return explain


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
        if all(isqrt(n // channels) ** 2 * channels == n and n > channels for n in values)
    ][:MAX_SPLITS]


def _linear(rows: int, met: int, declared: int, outputs: int) -> Meaning:
    cause = f"the batch has {rows:,} rows of {met:,} values; the linear layer declares {declared:,}"
    fixes = [f"write nn.Linear({met}, {outputs})"]
    channels = declared // (met * met) if met and declared % (met * met) == 0 else 0
    if declared > met > 1 and channels and rows % (channels * met) == 0:
        cause += (
            f" = {channels}x{met}x{met}: rows of {met} are rows of maps that were not flattened "
            "(assumed)"
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
    return Meaning("linear", cause, tuple(fixes))


def _as_maps(met: int, declared: int) -> str:
    """How both numbers of values may be square maps with the same channels."""
    pairs = [
        f"{maps_of(met, channels)} and {maps_of(declared, channels)}"
        for channels in common_channels(met, declared)
    ]
    return f"; as maps of the same channels: {', '.join(pairs)}" if pairs else ""


def _channels(
    what: str, groups: int, weight: Axes, input: Axes, expected: int, met: int
) -> Meaning:
    transposed = what == "transposed"
    groups = 1 if transposed else groups
    outputs = weight[1] if transposed else weight[0]
    axes = len(weight) - 2
    kernel = set(weight[2:])
    window = str(weight[2]) if len(kernel) == 1 else f"{Axes(weight[2:])}"
    layer = f"nn.Conv{'Transpose' if transposed else ''}{axes}d"
    cause = f"the input {input} has {met:,} channels; the layer declares {expected:,}"
    fixes = []
    if input[-1] == expected and len(input) > 2:
        order = (0, len(input) - 1, *range(1, len(input) - 1))
        cause += f", and {expected:,} stand last: the picture has channels last (assumed)"
        fixes.append(f"write x = x.permute{order} before the layer")
    more = ""
    if groups > 1:
        depthwise = weight[1] == 1 and outputs is not None and met and outputs % met == 0
        fitting = met if depthwise else gcd(groups, met)
        more = f", groups={fitting}"
    fixes.append(f"write {layer}({met}, {outputs}, {window}{more}), and keep its other arguments")
    if (met, expected) == (1, 3):
        fixes.append('or give color: image.convert("RGB"), or x.repeat(1, 3, 1, 1)')
    if (met, expected) == (3, 1):
        fixes.append('or give gray: image.convert("L"), or x.mean(1, keepdim=True)')
    figures = {"expected": expected, "met": met, "input": input, "weight": weight, "groups": groups}
    return Meaning("channels", cause, tuple(fixes), figures, declared=expected)


def _axes(axes: int, input: Axes, layer: str = "the convolution") -> Meaning:
    missing = axes - len(input)
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
    cause = f"{layer} takes {axes} axes with the batch; the input {input} has {len(input)}"
    return Meaning("axes", cause, (fix,), {"input": input, "axes": axes})


def _kernel_too_large(padded: Axes, kernel: Axes) -> Meaning:
    lacking = max((k or 0) - (p or 0) for p, k in zip(padded, kernel, strict=False))
    return Meaning(
        "window",
        f"the maps are {padded:x} with their padding, smaller than the kernel {kernel:x}",
        (
            f"write {(lacking + 1) // 2} more of padding= in this layer, or a kernel of "
            f"{min(p or 0 for p in padded)}",
            LARGER_MAPS,
        ),
    )


LARGER_MAPS = "or give a larger input, or leave out a stride or a pool before it"


def _too_small(input: Axes, output: Axes) -> Meaning:
    before, after = Axes(input[1:]), Axes(output[1:])
    return Meaning(
        "window",
        f"the maps are {before:x} before this layer, and it would give {after:x}",
        (
            "leave this layer out, or write ceil_mode=True in a pool that begins within the maps",
            LARGER_MAPS,
        ),
    )


def _pad_half(padding: int, kernel: int, dilation: int = 1) -> Meaning:
    maximum = Window(kernel, 1, dilation).dilated_kernel // 2
    dilated = f" with dilation {dilation}" if dilation > 1 else ""
    return Meaning(
        "padding",
        f"a pool may pad at most half of its window: {maximum} for a kernel of {kernel}{dilated}, "
        f"not {padding}",
        (f"write padding={maximum}, or pad before it: nn.ZeroPad2d({padding})",),
        {"padding": padding, "kernel": kernel, "dilation": dilation, "maximum": maximum},
    )


def _norm_axes(expected: str, axes: int) -> Meaning:
    kinds = {2: "nn.BatchNorm1d", 3: "nn.BatchNorm1d", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}
    return Meaning(
        "axes",
        f"the norm takes {expected} tensors; its input has {axes} axes",
        (f"write {kinds.get(axes, 'a norm for that many axes')} for this norm",),
    )


def _view(shape: Axes, values: int) -> Meaning:
    known = prod(size for size in shape if size is not None and size > 0)
    cause = f"there are {values:,} values, and {shape} holds {known:,}"
    if -1 in shape:
        cause = f"{values:,} values are not a multiple of {known:,}"
    fixes = ("write x = torch.flatten(x, 1), and nn.Linear for what comes out of it",)
    return Meaning("view", cause, fixes)


def _sum(a: int, b: int, axis: int) -> Meaning:
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
    cause = f"two tensors are added or compared whose axis {axis} is {a:,} and {b:,} long"
    return Meaning("add", cause, (fix,))


CALLS = {"float": "float", "double": "double", "half": "half", "long": "long", "int": "int"}
"""How PyTorch converts to a type, by the last word of the type's name in messages."""


def _types(input: str, weights: str) -> Meaning:
    if ("cuda" in input) != ("cuda" in weights):
        where = "cuda" if "cuda" in weights else "cpu"
        fix = f'write x = x.to("{where}"), or model.to(x.device)'
    else:
        name = weights.rpartition(".")[2].removesuffix("Tensor").lower()
        fix = f"write x = x.{CALLS.get(name, 'to(model.dtype)')}{'()' if name in CALLS else ''}"
        if "char" in input or "Byte" in input:
            fix += " / 255"
    cause = f"the input is {input}, and the weights are {weights}"
    return Meaning("type", cause, (f"{fix} before the model",))


def _scalar_types(first: str, second: str) -> Meaning:
    fix = "write x = x.float() before the model"
    if "long" in (first.lower(), second.lower()):
        fix += "; class numbers of cross_entropy are y.long()"
    cause = f"{first} and {second} meet in one operation"
    return Meaning("type", cause, (fix,), {"types": [first, second]})


def _batch_sizes(output: int, target: int) -> Meaning:
    cause = f"the output has {output:,} rows and the targets {target:,}"
    if output and target and (output % target == 0 or target % output == 0):
        cause += f", a factor of {max(output, target) // min(output, target)}"
    return Meaning(
        "batch",
        cause,
        (
            "keep the batch as the first axis: torch.flatten(x, 1) or x.view(x.size(0), -1), "
            "not view(-1, N)",
        ),
    )


def _layer_norm(declared: Axes, input: Axes) -> Meaning:
    last = Axes(input[len(input) - len(declared) :])
    return Meaning(
        "norm",
        f"{input} ends with {last}; the norm declares {declared}",
        (f"write nn.LayerNorm({list(last) if len(last) > 1 else last[0]})",),
    )


def _pixel_shuffle(channels: int, square: int) -> Meaning:
    fitting = -(-channels // square) * square
    return Meaning(
        "channels",
        f"{channels:,} channels are not a multiple of {square} = {isqrt(square)}x{isqrt(square)}",
        (f"write {fitting} output channels in the layer before; {fitting // square} remain",),
    )


def _state(text: str, model: str) -> Meaning:
    sizes = [
        (name, axes_of(stored), axes_of(own))
        for name, stored, own in re.findall(
            r"size mismatch for (\S+): copying a param with shape (.{0,200}?) from checkpoint, "
            r"the shape in current model is (.{0,200}?\])",
            text,
        )
    ]
    missing = "Missing key(s) in state_dict: " in text
    surplus = re.search(r"Unexpected key\(s\) in state_dict: (.*?)(?:size mismatch|$)", text)
    causes = [f"{name} is {stored} in the file, {own} here" for name, stored, own in sizes[:4]]
    fixes = []
    if sizes:
        fixes.append("build the model with the arguments it was trained with (classes, channels)")
    if missing or surplus:
        causes.append("names of the file and of the model differ")
        if surplus and '"module.' in surplus[1]:
            fixes.append(
                'write {k.removeprefix("module."): v for k, v in state.items()}: '
                "the file is of DataParallel"
            )
        else:
            fixes.append("load with strict=False only if the missing names are meant to be new")
    return Meaning(
        "state dict",
        "; ".join(causes) or f"the file's weights do not match {model}",
        tuple(fixes) or ("compare names and shapes: convcli shape FILE.pth lists the file's",),
        {"mismatches": [{"name": n, "file": stored, "model": own} for n, stored, own in sizes]},
    )


def _reflect(padding: Axes, axis: int, input: Axes) -> Meaning:
    length = input[axis] if axis < len(input) else None
    return Meaning(
        "padding",
        f"reflection needs more cells than it pads: axis {axis} has {length}, the padding is "
        f"{padding}",
        (
            f"write a padding of at most {(length or 1) - 1}",
            "or padding_mode='zeros' or 'replicate'",
        ),
    )


def _unflatten(sizes: Axes, axis: int, values: int) -> Meaning:
    product = prod(size or 1 for size in sizes)
    return Meaning(
        "view",
        f"{sizes} holds {product:,} values, and axis {axis} has {values:,}",
        (f"write {product} outputs in the layer before, or sizes whose product is {values}",),
        met=values,
        declared=product,
    )


def _negative(input: Axes, window: Axes, what: str = "window") -> Meaning:
    what = "kernel" if what.startswith("kernel") else "window"
    return Meaning(
        "window",
        f"the {what} {Axes(window[:2]):x} is larger than the maps {Axes(input[1:3]):x}",
        ('write padding="same" in this layer, or a smaller window', LARGER_MAPS),
        {"input": input, "window": window},
    )


def _tensorflow_negative(kernel: int, length: int) -> Meaning:
    return _negative(Axes((None, length, length)), Axes((kernel, kernel)))


def _downsampled(input: Axes) -> Meaning:
    return Meaning(
        "window",
        f"the maps are {Axes(input[1:3]):x} before this layer, and it would give nothing",
        ('write padding="same" in this layer', "or give a larger input"),
    )


def _keras_axes(axes: int, rank: int, least: str = "", input: Axes | tuple[()] = ()) -> Meaning:
    given = f"; the input is {input}" if input else f"; the input has {rank}"
    fix = "write x = x[..., None] for gray pictures, x[None] for one picture without its batch"
    if rank > axes:
        fix = "write Flatten() or GlobalAveragePooling2D() before this layer"
    cause = f"the layer takes{' at least' if least else ''} {axes} axes with the batch{given}"
    return Meaning("axes", cause, (fix,), {"axes": axes, "input": input})


def _keras_last(declared: int, input: Axes) -> Meaning:
    met = input[-1] if input else None
    cause = f"the last axis of {input} is {met}; the layer was built for {declared:,}"
    if len(input) == 2 and met is not None:
        cause += _as_maps(met, declared)
        fixes = (
            "give the model the size it was built for: the shape of its Input or input_shape",
            f"or build it anew for the size that gives {met:,} values",
        )
        return Meaning("linear", cause, fixes, met=met)
    fix = f"give {declared} channels"
    if (met, declared) == (1, 3):
        fix = "write x = np.repeat(x, 3, -1), or Input(shape=(..., 1))"
    if declared in input[1:-1]:
        fix = "write x = np.moveaxis(x, 1, -1): Keras takes channels last"
    return Meaning("channels", cause, (fix,), met=met)


def _keras_concat(shapes: str) -> Meaning:
    branches = [axes_of(branch) for branch in re.findall(r"\([^()]*\)", shapes)]
    return Meaning(
        "cat",
        f"the branches are {' and '.join(map(format, branches))}; only the joined axis may differ",
        (
            'write padding="same" in both branches, or Cropping2D/ZeroPadding2D in one',
            "or an input whose sides every stride divides",
        ),
        {"shapes": branches},
    )


def _keras_reshape(input: Axes, target: Axes) -> Meaning:
    values, product = (prod(size or 1 for size in shape) for shape in (input, target))
    cause = f"the input {input} has {values:,} values, {target} {product:,}"
    front = prod(size or 1 for size in target[:-1])
    fix = f"write Dense({product}) before it"
    if front and values % front == 0:
        fix = f"write Reshape({(*target[:-1], values // front)}), or {fix[6:]}"
    return Meaning("view", cause, (fix,), met=values, declared=product)


def _keras_loss(target: Axes, output: Axes) -> Meaning:
    units = target[-1] if target and target[-1] else "targets.shape[-1]"
    fixes = [f"write Dense({units}) last"]
    if target and output and target[-1] == 1 and output[-1] != 1:
        fixes.insert(0, 'write loss="sparse_categorical_crossentropy" for class numbers')
    cause = f"the targets are {target}, and the model gives {output}"
    return Meaning("loss", cause, tuple(fixes))


def _cardinality(x: str, y: str) -> Meaning:
    samples, labels = axes_of(x), axes_of(y)
    return Meaning(
        "batch",
        f"x has {samples:, } samples and y {labels:, }",
        ("give as many labels as samples: slice both in the same way, or split them in one call",),
        {"x": samples, "y": labels},
    )


SHAPE = r"(?:torch\.Size\()?[\[(][^\])]*[\])]+"
NAME = r"[^\W\d]\w*"

PATTERNS: dict[str, Callable[..., Meaning]] = {
    r"mat1 and mat2 shapes cannot be multiplied "
    r"\((?P<rows>\d+)x(?P<met>\d+) and (?P<declared>\d+)x(?P<outputs>\d+)\)": _linear,
    r"size mismatch, (?:m1: )?\[(?P<rows>\d+) x (?P<met>\d+)\], "
    r"(?:m2: )?\[(?P<declared>\d+) x (?P<outputs>\d+)\]": _linear,
    r"Matrix size-incompatible: In\[0\]: \[(?P<rows>\d+),(?P<met>\d+)\], "
    r"In\[1\]: \[(?P<declared>\d+),(?P<outputs>\d+)\]": _linear,
    r"Given (?P<what>groups|transposed)=(?P<groups>\d+), weight(?: of size )? ?"
    r"(?P<weight>\[[\d, ]+\]), (?:so )?expected input ?(?P<input>\[[\d, ]+\]) to have "
    r"(?P<expected>\d+) channels, but got (?P<met>\d+) channels instead": _channels,
    r"Expected \dD \(unbatched\) or (?P<axes>\d)D \(batched\) input to (?P<layer>\w+), "
    r"but got input of size: (?P<input>\[[\d, ]*\])": _axes,
    r"Expected (?P<axes>\d)-dimensional input for \d-dimensional weight ?\[?[\d, ]*\]?, "
    r"but got \d-dimensional input of size (?P<input>\[[\d, ]*\])": _axes,
    r"Calculated padded input size per channel: (?P<padded>\([\d x]+\))\. "
    r"Kernel size: (?P<kernel>\([\d x]+\))": _kernel_too_large,
    r"Given input size: (?P<input>\([\dx]+\))\. "
    r"Calculated output size: (?P<output>\([-\dx]+\))": _too_small,
    r"pad should be at most half of (?:effective )?kernel size, but got pad=(?P<padding>\d+), "
    r"kernel_size=(?P<kernel>\d+)(?: and dilation=(?P<dilation>\d+))?": _pad_half,
    r"pad should be smaller than half of kernel size, but got padW = (?P<padding>\d+), "
    r"padH = \d+, kW = (?P<kernel>\d+), kH = \d+": _pad_half,
    r"running_mean should contain (?P<met>\d+) elements not (?P<declared>\d+)": wording(
        "channels",
        "the maps have {met:,} channels; the norm declares {declared:,}",
        "write nn.BatchNorm2d({met}) (or 1d or 3d, as before)",
    ),
    r"expected (?P<expected>\dD(?: or \dD)?) input \(got (?P<axes>\d)D input\)": _norm_axes,
    r"Expected more than 1 value per channel when training, got input size "
    rf"(?P<input>{SHAPE})": wording(
        "batch",
        "batch norm trains on the statistics of a channel; {input} has one value per channel",
        "write model.eval() for a single picture",
        "in training give at least 2 pictures: DataLoader(..., drop_last=True)",
    ),
    r"shape '(?P<shape>\[[-\d, ]+\])' is invalid for input of size (?P<values>\d+)": _view,
    r"view size is not compatible with input tensor's size and stride": wording(
        "view",
        "view needs contiguous values, and a permute or a slice only changes how they are read",
        "write .reshape(...) for .view(...), or .contiguous() before it",
    ),
    r"The size of tensor a \((?P<a>\d+)\) must match the size of tensor b \((?P<b>\d+)\) "
    r"at non-singleton dimension (?P<axis>\d+)": _sum,
    r"Sizes of tensors must match except in dimension (?P<axis>\d+)\. "
    r"(?:Expected size|Got) (?P<first>\d+) (?:but got size|and) (?P<second>\d+)": wording(
        "cat",
        "tensors are joined along axis {axis}, and another axis is {first:,} and {second:,} long",
        "resize one to the other before torch.cat: F.interpolate(b, size=a.shape[2:]), "
        "or crop: a[..., :b.shape[-2], :b.shape[-1]]",
    ),
    r"(?P<argument>in_channels|out_channels) must be divisible by groups": wording(
        "groups",
        "{argument} is not a multiple of groups",
        "write groups that divide both: math.gcd(in_channels, out_channels); here {argument} fails",
    ),
    r"padding='same' is not supported for strided convolutions": wording(
        "padding",
        "PyTorch pads 'same' only with stride 1",
        "write padding=kernel_size // 2, which gives ceil(input / stride) for odd kernels",
    ),
    rf"Input type \((?P<input>{NAME}[\w. ]*)\) and (?:bias|weight) type "
    rf"\((?P<weights>{NAME}[\w. ]*)\) should be the same": _types,
    rf"expected (?:scalar )?type (?P<first>{NAME}) but (?:found|got) "
    rf"(?P<second>{NAME})": _scalar_types,
    rf"must have the same dtype, but got (?P<first>{NAME}) and (?P<second>{NAME})": _scalar_types,
    r"Expected input batch_size \((?P<output>\d+)\) to match target batch_size "
    r"\((?P<target>\d+)\)": _batch_sizes,
    r"input\.size\(-1\) must be equal to input_size\. Expected (?P<declared>\d+), "
    r"got (?P<met>\d+)": wording(
        "recurrent",
        "each step has {met:,} values; input_size is {declared:,}",
        "write input_size={met}",
        "or x.transpose(1, 2), if the steps are the last axis",
    ),
    r"Given normalized_shape=(?P<declared>\[[\d, ]+\]), expected input with shape "
    r"\[[*\d, ]+\], but got input of size ?(?P<input>\[[\d, ]+\])": _layer_norm,
    r"pixel_shuffle expects .{0,200}? but input\.size\(-3\)=(?P<channels>\d+) "
    r"is not divisible by (?P<square>[1-9]\d*)": _pixel_shuffle,
    r"(?P<text>Error\(s\) in loading state_dict for (?P<model>\w+):.*)": _state,
    r"Padding size should be less than the corresponding input dimension, but got: padding "
    r"(?P<padding>\([\d, ]+\)) at dimension (?P<axis>\d+) of input "
    r"(?P<input>\[[\d, ]+\])": _reflect,
    r"unflatten: Provided sizes (?P<sizes>\[[-\d, ]+\]) don't multiply up to the size of "
    r"dim (?P<axis>\d+) \((?P<values>\d+)\)": _unflatten,
    r"The expanded size of the tensor \((?P<target>\d+)\) must match the existing size "
    r"\((?P<size>\d+)\) at non-singleton dimension (?P<axis>\d+)": wording(
        "expand",
        "only an axis of 1 can be expanded; axis {axis} is {size:,}, not {target:,}",
        "write x.unsqueeze(axis) where an axis of 1 is missing, or x.repeat(...)",
    ),
    r"Expected size for first two dimensions of batch2 tensor to be: "
    r"(?P<expected>\[[\d, ]+\]) but got: (?P<met>\[[\d, ]+\])": wording(
        "matmul",
        "the second factor begins with {met}; the first one asks for {expected}",
        "write b.transpose(1, 2) if its last two axes are swapped",
    ),
    r"was expecting embedding dimension of (?P<declared>\d+), but got (?P<met>\d+)": wording(
        "attention",
        "each token has {met:,} values; embed_dim is {declared:,}",
        "write embed_dim={met}, with num_heads that divide it",
        "or project before it: nn.Linear({met}, {declared})",
    ),
    r"Computed output size would be zero or negative\. Received:? `inputs[. ]shape="
    rf"(?P<input>{SHAPE})`, `(?P<what>kernel shape|pool_size)=(?P<window>{SHAPE})`": _negative,
    r"Negative dimension size caused by subtracting (?P<kernel>\d+) from "
    r"(?P<length>\d+)": _tensorflow_negative,
    r"One of the dimensions in the output is <= 0 due to downsampling.{0,400}?input shape "
    rf"(?P<input>{SHAPE})": _downsampled,
    r"expected (?P<least>min_)?ndim=(?P<axes>\d+), found ndim=(?P<rank>\d+)"
    rf"(?:\. Full shape received: (?P<input>{SHAPE}))?": _keras_axes,
    r"expected axis -1 of input shape to have value (?P<declared>\d+),? but "
    rf"(?:received input with|got) shape (?P<input>{SHAPE})": _keras_last,
    r"(?:Inputs have incompatible shapes\. Received shapes"
    r"|Operands could not be broadcast together with shapes)"
    rf" (?P<first>{SHAPE})(?: and)? (?P<second>{SHAPE})": wording(
        "add",
        "the branches are {first} and {second}",
        "give both the same strides and filters: Conv2D(filters, 1, strides=...) in one",
    ),
    r"`Concatenate` layer requires inputs with matching shapes except for the concat\w* "
    r"axis\. (?P<shapes>(?:Received: input_shape=|Got inputs shapes: )\[.*?\)\])": _keras_concat,
    r"total size of (?:the tensor|new array) must be unchanged[.,] (?:Received: )?"
    rf"input_shape ?= ?(?P<input>{SHAPE}), (?:target|output)_shape ?= ?"
    rf"(?P<target>{SHAPE})": _keras_reshape,
    r"`target` and `output` must have the same shape\. Received: target\.shape="
    rf"(?P<target>{SHAPE}), output\.shape=(?P<output>{SHAPE})": _keras_loss,
    rf"Shapes (?P<target>{SHAPE}) and (?P<output>{SHAPE}) are incompatible": _keras_loss,
    r"Data cardinality is ambiguous\..{0,400}?'x' (?P<x>sizes: [\d, ]+?)[ /]*"
    r"'y' (?P<y>sizes: [\d, ]+)": _cardinality,
}
"""Every message: its wordings, including old ones, and what explains it."""

MESSAGES = [(re.compile(pattern), explain) for pattern, explain in PATTERNS.items()]
