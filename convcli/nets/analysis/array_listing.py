"""The arrays of a file of weights as a result to print: names, sizes, types, totals."""

from collections.abc import Mapping, Sequence

from convcli.nets.analysis.summary import SCHEMA
from convcli.nets.stored_arrays import TYPES, StoredArray
from convcli.tables import Listing
from convcli.text import counted

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Endings of the names of the buffers that PyTorch's normalizations keep."""


def array_listing(
    kind: str, arrays: Mapping[str, StoredArray], notes: Sequence[str] = ()
) -> Listing:
    """One row per array, in the order of the file; statistics are not parameters.

    >>> from convcli.nets.stored_arrays import numbers
    >>> array_listing("a file", {"fc.weight": numbers("float32", (2, 3), (0.0,) * 6)}).value
    '6'
    """
    rows = [
        [name, "x".join(map(str, array.shape)) or "1", array.type, array.elements]
        for name, array in arrays.items()
    ]
    buffers = sum(a.elements for name, a in arrays.items() if name.endswith(STATISTICS))
    params = sum(array.elements for array in arrays.values()) - buffers
    size = sum(array.elements * TYPES[array.type][0] // 8 for array in arrays.values())
    caption = (
        f"{kind}: {counted(len(arrays), 'tensor')}, {params:,} parameters, {buffers:,} statistics, "
        f"{size:,} bytes; it says nothing of a network's layers"
    )
    fields = {
        "schema": SCHEMA,
        "file": kind,
        "tensors": [
            {"name": name, "shape": list(a.shape), "dtype": a.type, "values": a.elements}
            for name, a in arrays.items()
        ],
        "totals": {"params": params, "statistics": buffers, "bytes": size},
        "notes": list(notes),
    }
    total = ["total", "", "", params + buffers]
    return Listing(
        str(params), (["tensor", "shape", "type", "values"], rows, total), fields, caption, notes
    )
