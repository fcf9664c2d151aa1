"""What one looks at of each layer: a record of figures a node, and the table of a run."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.conv.threads import single_threaded_blas
from convcli.nets.analysis.summary import SCHEMA, named_sizes
from convcli.nets.layers import Shape, size_text
from convcli.runtime.executor import Step

BLOCK = 1 << 20
"""Values looked at together, so that float64 copies stay small."""

MOST_CHANNELS = 512
"""Channels whose correlations are taken; of more, as many evenly spaced ones."""


class Seen(NamedTuple):
    """Figures of the maps of one node."""

    name: str
    type: str
    shape: Shape
    mean: float
    spread: float
    """The standard deviation over all maps."""
    least: float
    largest: float
    dead: float
    """The share of channels that are 0 everywhere."""
    negative: float
    """The share of values below 0."""
    ratio: float | None
    """The spread over that of the first node it reads; None where that is 0."""
    correlation: float | None
    """The mean of |Pearson's r| over pairs of channels that vary; None without two of them."""
    seconds: float
    macs: int

    @property
    def speed(self) -> float | None:
        """MACs a second, for layers that have any."""
        return self.macs / self.seconds if self.macs and self.seconds else None


def look(step: Step, spread_before: float | None) -> Seen:
    """The figures of what a node gave; `spread_before` is that of what it read.

    >>> from convcli.runtime.executor import walk
    >>> from convcli.nets.readers.read import read_text
    >>> from convcli.nets.analysis.summary import summarize
    >>> rows = summarize(read_text("relu").network, (2, 1, 2)).rows
    >>> x = np.array([[[-1.0, 1.0]], [[-3.0, 3.0]]])
    >>> seen = look(next(walk(rows, x, {})), 1.0)
    >>> seen.mean, seen.dead, seen.negative, round(seen.correlation, 6)
    (1.0, 0.0, 0.0, 1.0)
    """
    row, maps = step.row, step.maps
    flat = maps.reshape(len(maps), -1)
    count, places = flat.shape
    sums, squares = np.empty(count), np.empty(count)
    negative = dead = 0
    rows = max(BLOCK // max(places, 1), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, count, rows):
            block = flat[start : start + rows].astype(np.float64)
            means = block.mean(axis=1, keepdims=True)
            sums[start : start + rows] = means[:, 0]
            negative += int(np.count_nonzero(block < 0))
            dead += int(np.count_nonzero(~block.any(axis=1)))
            squares[start : start + rows] = np.square(block - means).sum(axis=1)
        mean = float(sums.mean())
        # the spread within the channels and that between them
        variance = (squares.sum() + places * np.square(sums - mean).sum()) / flat.size
        spread = sqrt(variance) if variance >= 0 else float(variance)
    return Seen(
        row.name,
        row.type,
        row.output,
        mean,
        spread,
        float(flat.min()),
        float(flat.max()),
        dead / count,
        negative / flat.size,
        spread / spread_before if spread_before else None,
        correlation(flat),
        step.seconds,
        row.macs,
    )


def correlation(flat: NDArray[Any]) -> float | None:
    """The mean absolute correlation between channels (c, places) that vary."""
    if len(flat) > MOST_CHANNELS:
        flat = flat[np.linspace(0, len(flat) - 1, MOST_CHANNELS).astype(int)]
    count, places = flat.shape
    if places < 2:
        return None
    means = flat.mean(axis=1, keepdims=True, dtype=np.float64).astype(flat.dtype)
    # scaled, so that the products of large values stay within float32
    scale = np.maximum(flat.max(axis=1), -flat.min(axis=1))[:, np.newaxis]
    scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1)
    gram = np.zeros((count, count))
    step = max(BLOCK // count, 1)
    # for products this small BLAS's threads mostly wait for each other: 9 of 13 s of a VGG-16
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, places, step):
            block = (flat[:, start : start + step] - means) / scale
            gram += block @ block.T
    energy = np.diag(gram)
    # what is left of a constant by rounding does not vary
    varies = energy > 1e-10 * places
    if np.count_nonzero(varies) < 2 or not np.isfinite(gram).all():
        return None
    norms = np.sqrt(energy[varies])
    r = np.abs(gram[np.ix_(varies, varies)] / np.outer(norms, norms))
    pairs = len(norms) * (len(norms) - 1)
    return float(min((r.sum() - np.trace(r)) / pairs, 1.0))


class Report(NamedTuple):
    """The figures of a run on each picture, and what they were made with."""

    pictures: tuple[tuple[str, Shape, tuple[Seen, ...]], ...]
    settings: Mapping[str, Any]
    """Seed, init, preparation: what makes the same again."""
    said: str = ""
    """The same for people."""
    warnings: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The size of the last node's maps, H×W×C."""
        return "\n".join(size_text(layers[-1].shape) for _, _, layers in self.pictures)

    @property
    def caption(self) -> str:
        return (
            f"{self.said}; dead: channels that are 0 everywhere; ratio: of the spread to "
            "that of the layer before; corr: mean |r| between channels"
        )

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]:
        several = len(self.pictures) > 1
        columns = ("picture",) * several + COLUMNS
        rows = [
            (path,) * several + _cells(one) for path, _, layers in self.pictures for one in layers
        ]
        return columns, rows, ()

    def record(self) -> dict[str, Any]:
        first = self.pictures[0]
        record = {"schema": SCHEMA, **self.settings}
        if len(self.pictures) == 1:
            layers = [_fields(one) for one in first[2]]
            return {**record, "input": named_sizes(first[1]), "layers": layers}
        pictures = [
            {
                "path": path,
                "input": named_sizes(shape),
                "layers": [_fields(one) for one in layers],
            }
            for path, shape, layers in self.pictures
        ]
        return {**record, "pictures": pictures}


COLUMNS = (
    *("layer", "type", "shape", "mean", "spread", "dead", "negative"),
    *("ratio", "corr", "ms", "GMAC/s"),
)


def _cells(one: Seen) -> tuple[object, ...]:
    return (
        one.name,
        one.type,
        size_text(one.shape),
        *(float(f"{value:.6g}") for value in (one.mean, one.spread, one.dead, one.negative)),
        "" if one.ratio is None else float(f"{one.ratio:.6g}"),
        "" if one.correlation is None else float(f"{one.correlation:.6g}"),
        float(f"{1000 * one.seconds:.4g}"),
        "" if one.speed is None else float(f"{one.speed / 1e9:.4g}"),
    )


def _fields(one: Seen) -> dict[str, Any]:
    """As plain values; what is not finite is null, which JSON has."""
    fields = one._asdict()
    fields["output"] = named_sizes(fields.pop("shape"))
    fields["macs_per_second"] = one.speed
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in fields.items()
    }
