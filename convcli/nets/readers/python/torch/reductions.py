"""A value out of many along some axes: sums, means, maxima, the largest few."""

from collections.abc import Callable
from typing import Any

from convcli.nets.layers import AdaptivePool
from convcli.nets.readers.python.language.objects import Ranked, Tensor, Unknown
from convcli.nets.readers.python.torch.elementwise import binary
from convcli.nets.readers.python.torch.indexing import piece
from convcli.nets.readers.python.torch.tensor_args import (
    axes,
    axis,
    operation,
    put,
    tensor_of,
    whole,
)


def reduction(type_: str, kind: str = "") -> Callable[..., Any]:
    """A value out of many along some axes; over height and width, a global pool."""

    def call(
        machine: Any,
        x: Any,
        dim: Any = None,
        keepdim: Any = False,
        **options: Any,
    ) -> Any:
        x = tensor_of(machine, x)
        dim = options.get("axis", dim)
        keepdim = options.get("keepdims", keepdim)
        if isinstance(dim, Tensor):
            return binary(machine, "maximum" if kind == "max" else "minimum", x, dim)
        if not isinstance(dim, int | tuple | list | None) or isinstance(dim, bool):
            dim = None if isinstance(dim, Unknown) else dim  # a type
        gone = axes(machine, dim, len(x.shape))
        gives = tuple(
            1 if place in gone else n
            for place, n in enumerate(x.shape)
            if keepdim or place not in gone
        )
        if kind and sorted(gone) == [2, 3] and len(x.shape) == 4 and x.shape[0] == 1:
            record = AdaptivePool(kind, (1, 1), squeeze=not keepdim)
            return put(machine, record, [x], gives)
        return operation(machine, type_, [x], gives, tuple(gone), bool(keepdim))

    return call


def norm(machine: Any, x: Any, p: Any = 2, dim: Any = None, keepdim: Any = False, **_: Any) -> Any:
    return reduction("norm")(machine, x, dim, keepdim)


def spread(type_: str) -> Callable[..., Any]:
    """`std` and `var`, whose second value says what they divide by."""

    def call(
        machine: Any,
        x: Any,
        dim: Any = None,
        unbiased: Any = True,
        keepdim: Any = False,
        **options: Any,
    ) -> Any:
        if isinstance(dim, bool):
            dim = None
        return reduction(type_)(machine, x, dim, keepdim, **options)

    return call


def with_mean(type_: str) -> Callable[..., Any]:
    """`std_mean` and `var_mean`."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> tuple[Any, Any]:
        made = spread(type_)(machine, x, *args, **options)
        return made, Tensor(made.shape, made.node)

    return call


def ranked(made: Tensor) -> Ranked:
    """Values with the places they came from."""
    return Ranked((made, Tensor(made.shape, made.node)))


def extreme(kind: str) -> Callable[..., Any]:
    """`max` and `min`: of all, of an axis with the places, or of two tensors."""
    of_axes = reduction(kind, kind if kind == "max" else "")

    def call(machine: Any, x: Any, dim: Any = None, keepdim: Any = False, **options: Any) -> Any:
        dim = options.pop("axis", dim)
        if dim is None and "other" in options:
            dim = options.pop("other")
        found = of_axes(machine, x, dim, keepdim, **options)
        if isinstance(dim, int) and not isinstance(dim, bool):
            return ranked(found)
        return found

    return call


def topk(machine: Any, x: Any, k: Any, dim: Any = -1, *_: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    return ranked(piece(machine, x, place, 0, whole(machine, k), "topk"))


def sort(machine: Any, x: Any, dim: Any = -1, *_: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    return ranked(operation(machine, "sort", [x], x.shape, dim))


def cosine_similarity(machine: Any, left: Any, right: Any, dim: Any = 1, *_: Any, **__: Any) -> Any:
    both = binary(machine, "multiply", left, right)
    return reduction("sum")(machine, both, dim)
