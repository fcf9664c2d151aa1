"""Reductions along some axes: sums, means, maxima, the largest values."""

from convcli.nets.layers import AdaptivePool, PoolKind
from convcli.nets.readers.python.language.objects import (
    Tensor,
    Unknown,
    Value,
    ValuesIndices,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.elementwise import binary, combine
from convcli.nets.readers.python.torch.indexing import piece
from convcli.nets.readers.python.torch.tensor_args import (
    append_node,
    append_operation,
    axes,
    axis,
    to_integer,
    to_tensor,
)


def reduction(
    type_: str,
    pool: PoolKind | None,
    /,
    interpreter: Interpreter,
    x: Value,
    dim: Value = None,
    keepdim: Value = False,
    *rest: Value,
    **options: Value,
) -> Tensor:
    """A reduction along some axes; over height and width, a global pool, if it is one."""
    x = to_tensor(x)
    dim = options.get("axis", dim)
    keepdim = options.get("keepdims", keepdim)
    if isinstance(dim, Tensor):
        return combine(interpreter, "maximum" if pool == "max" else "minimum", x, dim)
    reduced = axes(None if isinstance(dim, Unknown) else dim, len(x.shape))  # a type
    output = tuple(
        1 if index in reduced else length
        for index, length in enumerate(x.shape)
        if keepdim or index not in reduced
    )
    if pool and sorted(reduced) == [2, 3] and len(x.shape) == 4 and x.shape[0] == 1:
        record = AdaptivePool(pool, (1, 1), squeeze=not keepdim)
        return append_node(interpreter, record, [x], output)
    values = tuple(reduced), bool(keepdim), *rest
    return append_operation(interpreter, type_, [x], output, *values)


def spread(
    type_: str,
    /,
    interpreter: Interpreter,
    x: Value,
    dim: Value = None,
    unbiased: Value = True,
    keepdim: Value = False,
    **options: Value,
) -> Tensor:
    """`std` and `var`, whose second argument sets the divisor."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    correction = options.pop("correction", bool(unbiased))
    rest = () if correction == 1 else (correction,)
    return reduction(type_, None, interpreter, x, dim, keepdim, *rest, **options)


def with_mean(
    type_: str, /, interpreter: Interpreter, x: Value, *args: Value, **options: Value
) -> tuple[Tensor, Tensor]:
    """`std_mean` and `var_mean`."""
    output = spread(type_, interpreter, x, *args, **options)
    mean = Tensor(output.shape, output.node)
    mean.stand_in = "a mean beside a spread"
    return output, mean


def with_indices(values: Tensor) -> ValuesIndices:
    """Values with the indices they came from."""
    indices = Tensor(values.shape, values.node)
    indices.stand_in = "a tensor of the places of values"
    return ValuesIndices((values, indices))


def extreme(
    kind: str,
    /,
    interpreter: Interpreter,
    x: Value,
    dim: Value = None,
    keepdim: Value = False,
    **options: Value,
) -> Value:
    """`max` and `min`: of all, of an axis with the indices, or of two tensors."""
    dim = options.pop("axis", dim)
    if dim is None and "other" in options:
        dim = options.pop("other")
    pool: PoolKind | None = "max" if kind == "max" else None
    values = reduction(kind, pool, interpreter, x, dim, keepdim, **options)
    of_one_axis = isinstance(dim, int) and not isinstance(dim, bool)
    return with_indices(values) if of_one_axis else values


def topk(
    interpreter: Interpreter, x: Value, k: Value, dim: Value = -1, *_: Value, **options: Value
) -> ValuesIndices:
    x = to_tensor(x)
    return with_indices(
        piece(interpreter, x, axis(dim, len(x.shape)), 0, to_integer(k), type_="topk")
    )


def ordered(
    type_: str, /, interpreter: Interpreter, x: Value, dim: Value = -1, *_: Value, **options: Value
) -> ValuesIndices:
    """`sort`, `cummax` and `cummin`: values along an axis with the indices they came from."""
    x = to_tensor(x)
    return with_indices(append_operation(interpreter, type_, [x], x.shape, dim))


def kth_value(
    interpreter: Interpreter, x: Value, k: Value, dim: Value = -1, keepdim: Value = False
) -> ValuesIndices:
    return with_indices(reduction("kthvalue", None, interpreter, x, dim, keepdim))


def quantile(
    interpreter: Interpreter,
    x: Value,
    q: Value,
    dim: Value = None,
    keepdim: Value = False,
    **_: Value,
) -> Tensor:
    """Quantiles along an axis; several are a first axis of their own."""
    output = reduction("quantile", None, interpreter, x, dim, keepdim)
    several = to_tensor(q).shape if isinstance(q, Tensor) else ()
    if not several:
        return output
    return append_operation(interpreter, "expand", [output], (*several, *output.shape))


def cosine_similarity(
    interpreter: Interpreter, left: Value, right: Value, dim: Value = 1, *_: Value, **__: Value
) -> Tensor:
    product = binary(interpreter, "multiply", left, right)
    return reduction("cosine_similarity", None, interpreter, product, dim)
