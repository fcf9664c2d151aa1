"""Statistics of the feature maps of each layer, and the table of a run."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from convcli.conv.blas import single_threaded_blas
from convcli.nets.analysis.summary import SCHEMA, named_sizes
from convcli.nets.layers import Shape, size_text
from convcli.records import NamedTuple
from convcli.runtime.executor import Step
from convcli.tables import Listing, Record

BLOCK = 1 << 20
"""Values that are converted together, so that float64 copies stay small."""

MAX_CHANNELS = 512
"""Channels whose correlations are taken; of more, as many evenly spaced ones."""


class LayerStats(NamedTuple):
    """Statistics of the maps of one node."""

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
        """MACs per second, for layers that have any."""
        return self.macs / self.seconds if self.macs and self.seconds else None


def layer_stats(step: Step, spread_before: float | None) -> LayerStats:
    """The statistics of a node's maps; `spread_before` is the spread of what it reads.

    >>> from convcli.runtime.executor import walk
    >>> from convcli.nets.readers.read import read_text
    >>> from convcli.nets.analysis.summary import summarize
    >>> rows = summarize(read_text("relu").network, (2, 1, 2)).rows
    >>> x = np.array([[[-1.0, 1.0]], [[-3.0, 3.0]]])
    >>> stats = layer_stats(next(walk(rows, x, {})), 1.0)
    >>> stats.mean, stats.dead, stats.negative, round(stats.correlation, 6)
    (1.0, 0.0, 0.0, 1.0)
    """
    row, maps = step.row, step.maps
    flat = maps.reshape(len(maps), -1)
    count, positions = flat.shape
    sums, squares = np.empty(count), np.empty(count)
    negative = dead = 0
    rows = max(BLOCK // max(positions, 1), 1)
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
        variance = (squares.sum() + positions * np.square(sums - mean).sum()) / flat.size
        spread = sqrt(variance) if variance >= 0 else float(variance)
    return LayerStats(
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


def correlation(flat: NDArray[np.floating]) -> float | None:
    """The mean absolute correlation between channels (c, positions) that vary."""
    if len(flat) > MAX_CHANNELS:
        flat = flat[np.linspace(0, len(flat) - 1, MAX_CHANNELS).astype(int)]
    count, positions = flat.shape
    if positions < 2:
        return None
    means = flat.mean(axis=1, keepdims=True, dtype=np.float64).astype(flat.dtype)
    # scaled, so that the products of large values stay within float32
    scale = np.maximum(flat.max(axis=1), -flat.min(axis=1))[:, np.newaxis]
    scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1)
    gram = np.zeros((count, count))
    step = max(BLOCK // count, 1)
    # for products this small BLAS's threads mostly wait for each other: 9 of 13 s of a VGG-16
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, positions, step):
            block = (flat[:, start : start + step] - means) / scale
            gram += block @ block.T
    energy = np.diag(gram)
    # a constant that rounding has changed does not vary
    varies = energy > 1e-10 * positions
    if np.count_nonzero(varies) < 2 or not np.isfinite(gram).all():
        return None
    norms = np.sqrt(energy[varies])
    r = np.abs(gram[np.ix_(varies, varies)] / np.outer(norms, norms))
    pairs = len(norms) * (len(norms) - 1)
    return float(min((r.sum() - np.trace(r)) / pairs, 1.0))


def overflow_note(layers: Sequence[LayerStats]) -> str | None:
    """A note on the first layer with values beyond float32; all maps after it are meaningless."""
    for layer in layers:
        if not np.isfinite((layer.least, layer.largest)).all():
            return f"{layer.name}: values beyond float32 from here on; --init he keeps the scale"
    return None


class PictureStats(NamedTuple):
    """The statistics of a run on one picture, whose samples have this shape."""

    path: str
    shape: Shape
    layers: tuple[LayerStats, ...]


def listing(pictures: Sequence[PictureStats], settings: Record, settings_text: str) -> Listing:
    """The statistics of a run, as a result to print, with what makes the same run again."""
    several = len(pictures) > 1
    rows = [
        (picture.path,) * several + _cells(layer)
        for picture in pictures
        for layer in picture.layers
    ]
    records: list[Record] = [
        {
            "path": picture.path,
            "input": named_sizes(picture.shape),
            "layers": [_fields(layer) for layer in picture.layers],
        }
        for picture in pictures
    ]
    record: Record = {"pictures": records}
    if len(records) == 1:
        record = {name: value for name, value in records[0].items() if name != "path"}
    return Listing(
        "\n".join(size_text(picture.layers[-1].shape) for picture in pictures),
        (("picture",) * several + COLUMNS, rows, ()),
        {"schema": SCHEMA, **settings, **record},
        f"{settings_text}; dead: channels that are 0 everywhere; ratio: of the spread to "
        "that of the layer before; corr: mean |r| between channels",
        brief=("picture",) * several + tuple(name for name in COLUMNS if name not in LONG),
    )


COLUMNS = (
    *("layer", "type", "shape", "mean", "spread", "dead", "negative"),
    *("ratio", "corr", "ms", "GMAC/s"),
)

LONG = {"type", "GMAC/s"}
"""Columns for which a narrow terminal has no room."""


def _cells(layer: LayerStats) -> tuple[object, ...]:
    values = layer.mean, layer.spread, layer.dead, layer.negative, layer.ratio, layer.correlation
    return (
        layer.name,
        layer.type,
        size_text(layer.shape),
        *("" if value is None else float(f"{value:.6g}") for value in values),
        float(f"{1000 * layer.seconds:.4g}"),
        "" if layer.speed is None else float(f"{layer.speed / 1e9:.4g}"),
    )


def _fields(layer: LayerStats) -> Record:
    """Plain values; those that JSON does not have, NaN and infinity, are null."""
    fields = layer._asdict()
    fields["output"] = named_sizes(fields.pop("shape"))
    fields["macs_per_second"] = layer.speed
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in fields.items()
    }
