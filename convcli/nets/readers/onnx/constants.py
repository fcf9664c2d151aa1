"""Constant folding: the results of operators on arrays of the file, without a node."""

from collections.abc import Callable
from math import prod

from convcli.nets.layers import Shape
from convcli.nets.readers import folding
from convcli.nets.readers.onnx.call import Call
from convcli.nets.readers.onnx.tensors import RESHAPES, slices, split_sizes
from convcli.nets.stored_arrays import MAX_VALUES, Quantized, StoredArray, numbers

Arrays = list[StoredArray | None]
Fold = Callable[[Call, list[StoredArray]], StoredArray | None]


def _in_shape(sizes: Callable[[Call, Shape], Shape]) -> Fold:
    """The same numbers in another shape, copied if they are not contiguous."""

    def fold(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
        shape = sizes(call, arrays[0].shape)
        other = arrays[0].reshaped(shape)
        if other is not None or prod(shape) != arrays[0].elements:
            return other
        copy = folding.contiguous(arrays[0])
        return copy and copy.reshaped(shape)

    return fold


def _constant(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    attributes = call.node.attributes
    value = attributes.get("value")
    if isinstance(value, StoredArray):
        return value if value.name else value._replace(name=call.node.outputs[0])
    for name, type_ in (("value_int", "int64"), ("value_float", "float32")):
        number = attributes.get(name)
        if isinstance(number, int | float):
            return numbers(type_, (), (number,))
    for name, type_ in (("value_ints", "int64"), ("value_floats", "float32")):
        values = attributes.get(name)
        if isinstance(values, tuple):
            plain = [v for v in values if isinstance(v, int | float)]
            return numbers(type_, (len(plain),), plain)
    return None


def _constant_of_shape(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    shape = arrays[0].values()
    value = call.node.attributes.get("value")
    fill = value if isinstance(value, StoredArray) else numbers("float32", (1,), (0.0,))
    flat = fill.reshaped(())
    if shape is None or flat is None:
        return None
    return flat.expanded(tuple(map(int, shape)))._replace(name=call.node.outputs[0])


def _transpose(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    rank = len(arrays[0].shape)
    axes = call.integers("perm") or list(reversed(range(rank)))
    return arrays[0].permuted(axes) if sorted(axes) == list(range(rank)) else None


def _concat(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    axis = call.axis(0)
    if len({(*a.shape[:axis], *a.shape[axis + 1 :]) for a in arrays}) > 1:
        return None
    return folding.joined(arrays, axis)


def _expand(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    sizes = arrays[1].values()
    if sizes is None:
        return None
    shape = folding.broadcast_shape(arrays[0].shape, tuple(map(int, sizes)))
    return shape if shape is None else arrays[0].expanded(shape)


def _tile(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    times = arrays[1].values()
    if times is None:
        return None
    indices = [
        [index for _ in range(int(by)) for index in range(n)]
        for n, by in zip(arrays[0].shape, times, strict=True)
        if n * by <= MAX_VALUES
    ]
    return folding.taken(arrays[0], indices) if len(indices) == len(times) else None


def _range(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    ends = [array.values() for array in arrays]
    start, limit, step = (values[0] if values else 0.0 for values in ends)
    if not step or None in ends:
        return None
    count = max(-(-(limit - start) // step), 0)
    if count > MAX_VALUES:
        return None
    values = [start + step * index for index in range(int(count))]
    return numbers(arrays[0].type, (len(values),), values)


def _reduced(function: Callable[[list[float]], float]) -> Fold:
    def fold(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
        values = arrays[0].values()
        axes = call.integers("axes", 1) or list(range(len(arrays[0].shape)))
        if values is None or not values or len(axes) != len(arrays[0].shape):
            return None
        shape = (1,) * len(axes) if call.integer("keepdims", 1) else ()
        try:
            value = function(values)
        except OverflowError:
            return None
        return numbers(arrays[0].type, shape, (value,)) if folding.fits(value) else None

    return fold


def _mapped(function: folding.Function, type_: str = "", of: int = 0) -> Fold:
    """A function of each value, of a type or of that of an operand."""
    return lambda call, arrays: folding.mapped(function, arrays, type_ or arrays[of].type)


def _dequantized(call: Call, arrays: list[StoredArray]) -> StoredArray | None:
    """A weight stored as integers, whose quantization is known without reading them."""
    array, scale = arrays[0], arrays[1].values()
    zero = arrays[2].values() if len(arrays) > 2 else None
    if array.quantized is not None or scale is None or call.integer("block_size", 0):
        return None
    zeros = tuple(zero or [0.0] * len(scale))
    axis = call.axis(1) if len(scale) > 1 else 0
    if len(zeros) != len(scale) or len(scale) not in (1, array.shape[axis] if array.shape else 1):
        return None
    return array._replace(quantized=Quantized(tuple(scale), zeros, axis))


FOLDS: dict[str, Fold] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": lambda call, arrays: arrays[0],
    "Dropout": lambda call, arrays: arrays[0],
    "Transpose": _transpose,
    **{name: _in_shape(sizes) for name, sizes in RESHAPES.items()},
    "Cast": lambda call, arrays: folding.cast(arrays[0], call.type_attribute("float32")),
    "Gather": lambda call, arrays: folding.gathered(arrays[0], arrays[1], call.axis(0)),
    "Concat": _concat,
    "Slice": lambda call, arrays: folding.sliced(arrays[0], *slices(call, arrays[0].shape)),
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "Where": _mapped(lambda c, a, b: a if c else b, of=1),
    "ReduceProd": _reduced(folding.total_product),
    "ReduceSum": _reduced(sum),
    "ReduceMax": _reduced(max),
    "ReduceMin": _reduced(min),
    "DequantizeLinear": _dequantized,
    **{name: _mapped(function) for name, function in folding.ARITHMETIC.items()},
    **{name: _mapped(function, "bool") for name, function in folding.LOGICAL.items()},
}
"""Operators whose results are computed while a file is read."""

VIEWS = {
    *("Constant", "ConstantOfShape", "Identity", "Dropout", "Transpose", "Reshape", "Flatten"),
    *("Squeeze", "Unsqueeze", "Slice", "DequantizeLinear"),
}
"""Operators that mostly return a view of any number of values."""

MAX_COMPUTED = 1 << 22
"""Maximum numbers to read in all arrays of a file, each of up to `MAX_VALUES`."""


def fold(call: Call) -> Arrays | None:
    """The results of an operator whose inputs are all arrays; None if they are not computed.

    Raises Halt if this reads too many numbers of the network's arrays.
    """
    arrays = [value for value in call.inputs if isinstance(value, StoredArray)]
    operator, known = call.node.operator, len(arrays)
    if operator not in VIEWS:
        looked_at = [a.elements for a in arrays if known == len(call.inputs) or "int" in a.type]
        call.graph.computed += sum(n for n in looked_at if n <= MAX_VALUES)
    if call.graph.computed > MAX_COMPUTED:
        raise call.refuse(f"more than {MAX_COMPUTED:,} numbers would be computed for it")
    if known < sum(value is not None for value in call.inputs):
        return None
    if operator == "Shape":
        shape = arrays[0].shape[call.integer("start", 0) : call.integer("end", 64)]
        return [numbers("int64", (len(shape),), shape)]
    if operator == "Split":
        return _split(call, arrays[0])
    if operator not in FOLDS or (not arrays and operator != "Constant"):
        return None
    result = FOLDS[operator](call, arrays)
    if result is None:
        return None
    if isinstance(result.data, tuple) and all(result.data is not a.data for a in arrays):
        call.graph.computed += len(result.data)
    # a matrix that was transposed or sliced is still the weight of that name
    kept = result.name or (arrays[0].name if arrays else "")
    return [result._replace(name=kept)]


def _split(call: Call, array: StoredArray) -> Arrays | None:
    axis, parts, start = call.axis(0), [], 0
    for size in split_sizes(call, array.shape[axis]):
        first = [start if a == axis else 0 for a in range(len(array.shape))]
        shape = (*array.shape[:axis], size, *array.shape[axis + 1 :])
        part = folding.sliced(array, first, [1] * len(first), shape)
        if part is None:
            return None
        parts.append(part)
        start += size
    return [*parts]
