"""The data of a page on a network: each layer's maps of a picture, how their cells are computed."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from math import frexp
from types import MappingProxyType

import numpy as np

from convcli.arrays import Array
from convcli.borders import BorderName
from convcli.errors import SpecError
from convcli.features.extractor import Extractor
from convcli.geometry import Pair, Window, transposed_padding
from convcli.nets.analysis.summary import Row
from convcli.nets.graph import INPUT
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Concat,
    Conv,
    Depthwise,
    Linear,
    Merge,
    Norm,
    Pool,
    Reshape,
    TransposedConv,
)
from convcli.nets.layers.shapes import windows_on
from convcli.records import NamedTuple
from convcli.tables import Record
from convcli.text import bytes_text

MAX_BYTES = 8 << 20
"""Default limit of the maps and weights in a page, in bytes."""

POINT = (Window(1), (0, 0))
"""The window on the axis that maps of one length do not have."""

MAX_EXPONENT = 15
"""Maps are stored times a power of two, so that the largest value is below 2¹⁵."""

MERGED = ("add", "subtract", "multiply")


def network_data(
    extractor: Extractor, picture: str, max_bytes: int = MAX_BYTES
) -> tuple[Record, list[str]]:
    """The data of a page, and notes on it: the extractor's network is run on a picture.

    Maps are stored as floats of 16 bits and weights as floats of 32, layer by layer, as long as
    they fit into `max_bytes`; notes name the layers that do not. Raises SpecError for a
    limit below the picture's own size, and what a run raises.
    """
    x = extractor.samples(picture)
    rows = extractor.rows(x.shape)
    extractor.memory(x.shape, [row.name for row in rows])
    extractor.prepare_weights(rows)
    budget = Budget(max_bytes)
    picture_maps = budget.maps(x)
    if picture_maps is None:
        raise SpecError(
            f"--max-size {bytes_text(max_bytes, short=True)} is too small for the picture itself"
        )
    nodes: list[Record] = [
        {
            "name": INPUT,
            "type": "picture",
            "inputs": [],
            "shape": list(x.shape),
            "params": 0,
            "macs": 0,
            "field": [[1, 1, 0]] * (x.ndim - 1),
            "maps": picture_maps,
        }
    ]
    left_out = []
    for step in extractor.run(rows, x):
        node = _node(step.row, step.maps, extractor.weights, budget)
        nodes.append(node)
        if node["maps"] is None:
            left_out.append(step.row.name)
    notes = [*extractor.setup.notes, *extractor.notes()]
    if extractor.setup.weights is None:
        notes.append(f"random weights, seed {extractor.setup.seed}")
    if left_out:
        names = ", ".join(left_out[:12]) + (", …" if len(left_out) > 12 else "")
        notes.append(
            f"maps left out, beyond --max-size {bytes_text(max_bytes, short=True)}: {names}"
        )
    return {"kind": "network", "notes": notes, "nodes": nodes}, notes


class Budget:
    """The bytes that a page may still take."""

    def __init__(self, size: int) -> None:
        self.left = size

    def _take(self, values: Array) -> str | None:
        needed = -(-values.nbytes // 3) * 4
        if needed > self.left:
            return None
        self.left -= needed
        return b64encode(values.tobytes()).decode()

    def maps(self, maps: Array) -> Record | None:
        """Maps as floats of 16 bits times 2^exponent; None where there is no room for them."""
        largest = float(np.abs(maps).max(initial=0.0))
        exponent = frexp(largest)[1] - MAX_EXPONENT if largest else 0
        values = np.ldexp(maps.astype(np.float64), -exponent).astype("<f2")
        data = self._take(values)
        return None if data is None else {"exponent": exponent, "values": data}

    def weights(self, weights: Mapping[str, Array]) -> dict[str, str] | None:
        """Weights by role as floats of 32 bits; None where there is no room for all of them."""
        arrays = {role: array.astype("<f4") for role, array in weights.items()}
        if sum(-(-array.nbytes // 3) * 4 for array in arrays.values()) > self.left:
            return None
        return {role: data for role, array in arrays.items() if (data := self._take(array))}


class Step(NamedTuple):
    """How a page computes a cell of a layer: its kind, and the numbers of it."""

    kind: str
    numbers: Record = MappingProxyType({})
    needs: bool = False
    """Whether it needs the layer's weights."""


def _node(row: Row, maps: Array, weights: Mapping[str, Array], budget: Budget) -> Record:
    """A layer's line in the table, its maps, and how a cell of them is computed."""
    stored = budget.maps(maps)
    step = _step(row) if stored is not None else None
    embedded: dict[str, str] | None = {}
    if step is not None and step.needs:
        prefix = f"{row.node.owner or row.name}."
        own = {
            name.removeprefix(prefix): array
            for name, array in weights.items()
            if name.startswith(prefix)
        }
        embedded = budget.weights(own)
    why = ""
    if stored is None:
        why = f"its maps, {bytes_text(2 * maps.size, short=True)}, were left out of the page"
    elif step is None:
        why = f"cells of {row.type} are shown without their arithmetic"
    elif embedded is None:
        why = "its weights were left out of the page"
    fields = row.receptive_field
    return {
        "name": row.name,
        "type": row.type,
        "inputs": list(row.node.inputs),
        "shape": list(row.output),
        "params": row.params,
        "macs": row.macs,
        "field": [[float(n) for n in field] for field in fields] if fields else None,
        "maps": stored,
        "why": why,
        "step": step and {"kind": step.kind, "needs": step.needs, **step.numbers},
        "weights": embedded,
    }


def _step(row: Row) -> Step | None:
    """How a page computes a cell of a layer; None where it does not."""
    if not row.inputs:  # a constant, or weights that stand alone
        return None
    layer, shape = row.node.layer, row.inputs[0]
    if len(shape) > 3 or len(row.output) > 3:
        return None
    windows = row.measure.windows
    match layer:
        case Conv(connections=None):
            return Step("convolution", _windows(windows, layer.groups, layer.border), True)
        case Depthwise():
            return Step("convolution", _windows(windows, groups=shape[0]), True)
        case TransposedConv():
            return Step("transposed", _transposed(layer), True)
        case Pool(kind="max" | "min" | "average", trainable=False):
            divisors = _divisors(row, layer)
            return Step("pool", {**_windows(windows), "pool": layer.kind, "divisors": divisors})
        case AdaptivePool():
            sizes = [size or n for size, n in zip(layer.sizes, shape[1:], strict=True)]
            numbers = {"pool": layer.kind, "sizes": [1] * (2 - len(sizes)) + sizes}
            return Step("adaptive", {**numbers, "squeeze": layer.squeeze})
        case Linear() if layer.scope(shape) == "all":
            return Step("linear", {}, True)
        case Activation():
            return Step("activation", {"name": layer.type, "slope": layer.slope})
        case Norm(kind="batch", tracked=True):
            return Step("normalization", {"eps": layer.eps}, True)
        case Merge() if layer.type in MERGED and len(set(row.inputs)) == 1:
            return Step("merge", {"name": layer.type})
        case Concat(axis=0) if len({sizes[1:] for sizes in row.inputs}) == 1 and shape[1:]:
            return Step("concatenation")
        case Reshape():
            return Step("flattening")
    return None


def _windows(
    windows: Sequence[tuple[Window, Pair]],
    groups: int = 1,
    border: BorderName = "zero",
    extras: Sequence[int] = (),
) -> Record:
    """Kernel, stride, dilation and padding on rows and columns, and output padding if there is."""
    missing = 2 - len(windows)
    both = (POINT,) * missing + tuple(windows)
    return {
        "kernel": [window.kernel for window, _ in both],
        "stride": [window.stride for window, _ in both],
        "dilation": [window.dilation for window, _ in both],
        "padding": [list(padding) for _, padding in both],
        **({"extra": [0] * missing + list(extras)} if extras else {}),
        "groups": groups,
        "border": border,
    }


def _transposed(layer: TransposedConv) -> Record:
    windows = list(map(Window, layer.kernel, layer.stride, layer.dilation))
    cuts = list(map(transposed_padding, layer.padding, windows, layer.extra))
    pairs = [(window, cut) for window, (cut, _) in zip(windows, cuts, strict=True)]
    return _windows(pairs, layer.groups, extras=[extra for _, extra in cuts])


def _divisors(row: Row, layer: Pool) -> list[list[int]]:
    """What an average divides by, as a factor for each row and one for each column of the output.

    Cells of the padding count where the layer says so; those that `ceil` adds never do (PyTorch).
    """
    lengths = row.inputs[0][1:]
    outputs = row.output[1:]
    given = windows_on(row.inputs[0], layer.kernel, layer.stride, layer.dilation, layer.padding)
    factors = []
    for length, count, (window, (before, after)) in zip(lengths, outputs, given, strict=True):
        bounds: Pair = (-before, length + after) if layer.count_include_pad else (0, length)
        cells = [window.cells(output, before) for output in range(count)]
        factors.append([sum(bounds[0] <= cell < bounds[1] for cell in taps) for taps in cells])
    if layer.divisor is not None:
        factors = [[1] * count for count in outputs]
        factors[-1] = [layer.divisor] * outputs[-1]
    return [[1]] * (2 - len(factors)) + factors
