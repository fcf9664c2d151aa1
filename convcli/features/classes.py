"""The largest values of a network's output with their names: the predicted classes."""

from collections.abc import Sequence
from json import loads

import numpy as np

from convcli.errors import Refusal, SpecError
from convcli.features.vector_set import VectorSet
from convcli.records import NamedTuple
from convcli.tables import Listing
from convcli.text import safe

MAX_LABELS = 1 << 24
"""Characters of a file of labels."""


class Class(NamedTuple):
    """One of the predicted classes of a picture."""

    path: str
    rank: int
    number: int
    label: str
    value: float


def read_labels(path: str) -> list[str]:
    """The names of classes: one per line, a JSON list, or a JSON object by number.

    An object of lists, as Keras has it, gives the last word of each. Raises Refusal for a file that
    cannot be read, SpecError for one that holds no names.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(MAX_LABELS + 1)
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{safe(path)} is not text: labels are one per line, or JSON") from None
    if len(text) > MAX_LABELS:
        raise Refusal(f"{safe(path)} is longer than {MAX_LABELS:,} characters: are these labels?")
    if text.lstrip()[:1] not in ("[", "{"):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        value = loads(text)
        if isinstance(value, dict):
            value = [value[str(number)] for number in range(len(value))]
    except (ValueError, KeyError, RecursionError):
        text = f"{safe(path)} holds neither a list of labels nor labels by number"
        raise SpecError(text) from None
    return [str(label[-1] if isinstance(label, list) and label else label) for label in value]


def top_classes(vectors: VectorSet, count: int, labels: Sequence[str]) -> list[Class]:
    """The `count` largest values of each row, the largest first.

    >>> rows = np.array([[0.1, 0.7, 0.2]], np.float32)
    >>> [top.label for top in top_classes(VectorSet(("a",), rows, ()), 2, ["x", "y", "z"])]
    ['y', 'z']

    Raises SpecError where there are not as many labels as values.
    """
    width = vectors.rows.shape[1]
    if labels and len(labels) != width:
        raise SpecError(f"{len(labels):,} labels for an output of {width:,} values")
    classes = []
    for path, row in zip(vectors.paths, vectors.rows, strict=True):
        order = np.argsort(-row, kind="stable")[:count].tolist()
        classes += [
            Class(path, rank, number, labels[number] if labels else str(number), float(row[number]))
            for rank, number in enumerate(order, 1)
        ]
    return classes


def class_listing(classes: Sequence[Class]) -> Listing:
    """Classes as a result to print."""
    rows = [(*item[:4], f"{item.value:.6g}") for item in classes]
    return Listing(
        "\n".join(item.label for item in classes if item.rank == 1),
        (Class._fields, rows, ()),
        {"schema": 1, "classes": [item._asdict() for item in classes]},
        "values as the last layer gives them",
    )
