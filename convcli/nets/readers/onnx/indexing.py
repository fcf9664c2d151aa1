"""Operators that read, write and order values by index."""

from convcli.nets.readers.onnx.call import Call, Operator, Results
from convcli.nets.readers.onnx.elementwise import operand
from convcli.nets.stored_arrays import MAX_VALUES, StoredArray, numbers


def gather(call: Call) -> Results:
    x, indices = call.x(0), call.x(1)
    axis = call.axis(0)
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    wanted = indices.values() if isinstance(indices, StoredArray) else None
    if wanted is not None and len(wanted) == 1:
        index = int(wanted[0]) % x.shape[axis]
        part = (*x.shape[:axis], *x.shape[axis + 1 :])
        y = call.graph.operation("select", [x], part, axis, index, name=call.name)
        return call.graph.reshaped(y, shape)
    return call.graph.operation("gather", [operand(call, x), indices], shape, axis, name=call.name)


def gather_elements(call: Call) -> Results:
    shape, axis = call.shape(1), call.axis(0)
    return call.graph.operation("gather_elements", [call.x(0), call.x(1)], shape, axis)


def gather_nd(call: Call) -> Results:
    batch = call.integer("batch_dims", 0)
    shape, indices = call.shape(0), call.shape(1)
    output = (*indices[:-1], *shape[batch + indices[-1] :])
    return call.graph.operation("gather_nd", [call.x(0), call.x(1)], output, batch)


def scatter_elements(call: Call) -> Results:
    """Values written to indices along one axis."""
    return _scattered(call, "scatter_elements", call.axis(0))


def scatter_nd(call: Call) -> Results:
    """Slices written to indices of the first axes."""
    return _scattered(call, "scatter_nd")


def _scattered(call: Call, type_: str, *values: object) -> Results:
    how = call.text("reduction", "none")
    if how not in ("none", "add", "mul", "max", "min"):
        raise call.refuse(f"the reduction {how!r}")
    tensors = [operand(call, call.x(index)) for index in range(3)]
    return call.graph.operation(type_, tensors, call.shape(), *values, how, name=call.name)


def reverse_sequence(call: Call) -> Results:
    """The first values of each sequence of a batch in reverse order."""
    lengths = tuple(int(n) for n in call.numbers(1))
    batch, time = call.integer("batch_axis", 1), call.integer("time_axis", 0)
    shape = call.shape()
    if {batch, time} != {0, 1} or len(shape) < 2 or len(lengths) != shape[batch]:
        raise call.refuse(f"{len(lengths)} lengths along axis {batch} of {shape}")
    values = lengths, batch
    return call.operation("reverse_sequence", shape, *values)


def place_of_extreme(type_: str) -> Operator:
    def read(call: Call) -> Results:
        axis, keeps = call.axis(0), bool(call.integer("keepdims", 1))
        shape = call.shape()
        output = (*shape[:axis], *((1,) if keeps else ()), *shape[axis + 1 :])
        last = bool(call.integer("select_last_index", 0))
        return call.operation(type_, output, axis, last)

    return read


def top_k(call: Call) -> Results:
    k = int(call.numbers(1)[0]) if call.has(1) else call.integer("k", 1)
    axis, shape = call.axis(-1), call.shape()
    if not 1 <= k <= shape[axis]:
        raise call.refuse(f"{k} of {shape[axis]} values")
    output = (*shape[:axis], k, *shape[axis + 1 :])
    largest = bool(call.integer("largest", 1))
    return [
        call.operation(type_, output, k, axis, largest) for type_ in ("top_values", "top_places")
    ]


def cumulated(type_: str) -> Operator:
    def read(call: Call) -> Results:
        axis = call.normal(int(call.numbers(1)[0]), len(call.shape()))
        flags = bool(call.integer("exclusive", 0)), bool(call.integer("reverse", 0))
        return call.operation(type_, call.shape(), axis, *flags)

    return read


def triangle(call: Call) -> Results:
    k = int(call.numbers(1)[0]) if call.has(1) else 0
    upper = bool(call.integer("upper", 1))
    return call.operation("triangle", call.shape(), k, upper)


def eye_like(call: Call) -> Results:
    """Ones on a diagonal, of a matrix as large as the input."""
    shape, k = call.shape(), call.integer("k", 0)
    if len(shape) != 2 or shape[0] * shape[1] > MAX_VALUES:
        raise call.refuse(f"{shape} is not a matrix, or a large one")
    ones = [float(j - i == k) for i in range(shape[0]) for j in range(shape[1])]
    return numbers("float32", shape, ones)


def grid_sample(call: Call) -> Results:
    shape = (*call.shape()[:2], *call.shape(1)[1:-1])
    values = (
        call.text("mode", "linear"),
        call.text("padding_mode", "zeros"),
        bool(call.integer("align_corners", 0)),
    )
    return call.graph.operation(
        "grid_sample", [call.x(), call.x(1)], shape, *values, name=call.name
    )


INDEXING: dict[str, Operator] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "Scatter": scatter_elements,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "ReverseSequence": reverse_sequence,
    "ArgMax": place_of_extreme("argmax"),
    "ArgMin": place_of_extreme("argmin"),
    "TopK": top_k,
    "CumSum": cumulated("cumsum"),
    "CumProd": cumulated("cumprod"),
    "Trilu": triangle,
    "EyeLike": eye_like,
    "GridSample": grid_sample,
}
