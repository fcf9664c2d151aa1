"""The short vocabulary: this tool's own notation, `conv(96, 11, stride=4)`.

Input channels are inferred; padding is a number, one per axis, pairs, or a name, and `same` is
TensorFlow's. Branches are lists: `residual([...], shortcut=[...])`, `concat([...], [...])`.
"""

from collections.abc import Callable
from functools import partial

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.geometry import MAX_SIZE
from convcli.nets.graph import MAX_NODES, Chain, Fork, Leaf, Part, fresh, size_of
from convcli.nets.layers import (
    AdaptivePool,
    Builder,
    Concat,
    Conv,
    Depthwise,
    Identity,
    Layer,
    Linear,
    Merge,
    Norm,
    Pad,
    Pool,
    PoolKind,
    Reshape,
    Separable,
    TransposedConv,
    Upsample,
    named,
)
from convcli.nets.layers.arguments import (
    cells,
    count,
    counts,
    factor,
    flag,
    maybe_count,
    number,
    pads,
    sizes,
)

POOLS: dict[str, PoolKind] = {"max": "max", "avg": "average", "min": "min", "l2": "lp"}


def conv(
    axes: int,
    filters: object,
    kernel: object,
    stride: object = 1,
    padding: object = 0,
    dilation: object = 1,
    groups: object = 1,
    bias: object = True,
    connections: object = None,
) -> Conv:
    return Conv(
        count(filters, "filters"),
        counts(kernel, axes, "kernel"),
        counts(stride, axes, "stride"),
        pads(padding, axes),
        counts(dilation, axes, "dilation"),
        count(groups, "groups"),
        flag(bias, "bias"),
        connections=maybe_count(connections, "connections"),
    )


def depthwise(
    kernel: object,
    stride: object = 1,
    padding: object = 0,
    dilation: object = 1,
    multiplier: object = 1,
    bias: object = True,
) -> Depthwise:
    return Depthwise(
        counts(kernel, 2, "kernel"),
        counts(stride, 2, "stride"),
        pads(padding, 2),
        counts(dilation, 2, "dilation"),
        count(multiplier, "multiplier"),
        flag(bias, "bias"),
    )


def separable(
    filters: object,
    kernel: object,
    stride: object = 1,
    padding: object = 0,
    dilation: object = 1,
    multiplier: object = 1,
    bias: object = True,
) -> Separable:
    first = depthwise(kernel, stride, padding, dilation, multiplier, bias=False)
    return Separable(count(filters, "filters"), first, flag(bias, "bias"))


def transposed(
    filters: object,
    kernel: object,
    stride: object = 1,
    padding: object = 0,
    extra: object = 0,
    dilation: object = 1,
    groups: object = 1,
    bias: object = True,
) -> TransposedConv:
    sides = pads(padding, 2)
    if "causal" in sides:
        raise SpecError("padding=causal has no meaning for a transposed convolution")
    return TransposedConv(
        count(filters, "filters"),
        counts(kernel, 2, "kernel"),
        counts(stride, 2, "stride"),
        sides,
        counts(extra, 2, "extra", 0),
        counts(dilation, 2, "dilation"),
        count(groups, "groups"),
        flag(bias, "bias"),
    )


def pool(
    kind: PoolKind,
    axes: int,
    kernel: object,
    stride: object = None,
    padding: object = 0,
    dilation: object = 1,
    ceil: object = False,
    count_include_pad: object = True,
) -> Pool:
    return Pool(
        kind,
        counts(kernel, axes, "kernel"),
        counts(kernel if stride is None else stride, axes, "stride"),
        pads(padding, axes),
        counts(dilation, axes, "dilation"),
        flag(ceil, "ceil"),
        flag(count_include_pad, "count_include_pad"),
    )


def subsample(kernel: object, stride: object = None) -> Pool:
    return pool("average", 2, kernel, stride)._replace(trainable=True)


def adaptive_pool(size: object, kind: object = "average") -> AdaptivePool:
    kinds: tuple[PoolKind, ...] = ("max", "average", "min")
    known = next((name for name in kinds if name == kind), None)
    if known is None:
        raise SpecError(f"kind={brief(kind)} is none of {', '.join(kinds)}")
    return AdaptivePool(known, counts(size, 2, "size"))


def global_pool(kind: object = "average") -> AdaptivePool:
    return adaptive_pool(1, kind)


def linear(outputs: object, bias: object = True) -> Linear:
    return Linear(count(outputs, "outputs"), flag(bias, "bias"))


def flatten() -> Reshape:
    return Reshape()


def reshape(*size: object) -> Reshape:
    """Height, width, channels."""
    *lengths, channels = sizes(size, "size")
    return Reshape((channels, *lengths))


def pad(padding: object) -> Pad:
    return Pad(cells(padding, 2, "padding", -MAX_SIZE))


def upsample(scale: object = 2) -> Upsample:
    factors = scale if isinstance(scale, tuple | list) else (scale,)
    return Upsample(scale=tuple(factor(times, "scale") for times in factors))


def batch_norm() -> Norm:
    return Norm("batch", tracked=True)


def group_norm(groups: object) -> Norm:
    return Norm("group", groups=count(groups, "groups"))


def layer_norm() -> Norm:
    return Norm("layer")


def dropout(p: object = 0.5) -> Identity:
    return Identity("dropout", number(p, "p"))


LAYERS: dict[str, Builder] = {
    **named("short"),
    "conv": partial(conv, 2),
    "conv1d": partial(conv, 1),
    "conv2d": partial(conv, 2),
    "conv3d": partial(conv, 3),
    "depthwise": depthwise,
    "separable": separable,
    "transposed": transposed,
    **{f"{name}pool": partial(pool, kind, 2) for name, kind in POOLS.items()},
    **{
        f"{name}pool{n}d": partial(pool, kind, n) for name, kind in POOLS.items() for n in (1, 2, 3)
    },
    "subsample": subsample,
    "adaptivepool": adaptive_pool,
    **dict.fromkeys(("globalpool", "gap"), global_pool),
    **dict.fromkeys(("linear", "fc", "dense"), linear),
    "flatten": flatten,
    "reshape": reshape,
    "pad": pad,
    "upsample": upsample,
    "batchnorm": batch_norm,
    "bn": batch_norm,
    "groupnorm": group_norm,
    "layernorm": layer_norm,
    "dropout": dropout,
}


def _branch(items: object, subject: str) -> Chain:
    if isinstance(items, Leaf | Chain | Fork):
        return Chain((items,))
    if not isinstance(items, list | tuple):
        raise SpecError(f"{subject} must be a list of layers, not {brief(items)}")
    for item in items:
        if not isinstance(item, Leaf | Chain | Fork):
            raise SpecError(f"{subject} holds {brief(item)}, which is not a layer")
    return Chain(tuple(items))


def residual(body: object, shortcut: object = ()) -> Fork:
    branches = _branch(body, "the body"), _branch(shortcut, "the shortcut")
    named = branches[0]._replace(name="body"), branches[1]._replace(name="shortcut")
    return Fork(named, Merge("add"), kind="residual")


def _joined(join: Layer, kind: str) -> Callable[..., Fork]:
    def build(*branches: object) -> Fork:
        if len(branches) < 2:
            raise SpecError(f"{kind} needs two or more lists of layers")
        return Fork(tuple(_branch(branch, "a branch") for branch in branches), join, kind=kind)

    return build


def side(items: object) -> Fork:
    return Fork((_branch(items, "the side branch"),), None, kind="side")


def repeat(times: object, items: object) -> Chain:
    number, once = count(times, "the number of repeats", 0), _branch(items, "what is repeated")
    if number * size_of(once) > 2 * MAX_NODES:
        raise SpecError(f"repeated {number:,} times it has more than {MAX_NODES:,} layers")
    return Chain(tuple(fresh(part) for _ in range(number) for part in once.items))


def chain(items: object) -> Chain:
    return _branch(items, "the chain")


BLOCKS: dict[str, Callable[..., Part]] = {
    "residual": residual,
    "concat": _joined(Concat(), "concat"),
    "add": _joined(Merge("add"), "add"),
    "multiply": _joined(Merge("multiply"), "multiply"),
    "side": side,
    "repeat": repeat,
    "chain": chain,
}
"""The layers that contain other layers."""
