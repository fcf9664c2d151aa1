"""Values of either sign as colors: blue below 0, white at 0, red above."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convcli.images.pixel_arrays import png

Pixels = NDArray[np.uint8]
Maps = NDArray[np.floating]

DIVERGING = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
"""Blue for negative, white for 0, red for positive: the ends, the middle and between of
ColorBrewer's RdBu (Harrower & Brewer 2003)."""

SIDE = 192
"""Pixels of the longer side of a matrix that is drawn, about."""


def signed(feature_map: Maps) -> Pixels:
    """One map (h, w) in colors (h, w, 3): blue below 0, white at 0, red above.

    The value farthest from 0 has the full color, so that both sides have one scale.

    >>> signed(np.array([[-2.0, 0.0, 2.0]])).tolist()
    [[[5, 48, 97], [247, 247, 247], [103, 0, 31]]]
    """
    values = finite(feature_map)
    farthest = float(np.abs(values).max())
    scaled = np.clip(values / farthest if farthest else values, -1, 1)
    anchors = np.linspace(-1, 1, len(DIVERGING))
    colors = [np.interp(scaled, anchors, channel) for channel in zip(*DIVERGING, strict=True)]
    return np.floor(np.stack(colors, -1) + 0.5).astype(np.uint8)


def finite(feature_map: Maps) -> NDArray[np.float64]:
    """The map in float64; values beyond float32 become its largest value."""
    return np.nan_to_num(feature_map.astype(np.float64), nan=0.0, posinf=1e38, neginf=-1e38)


def matrices_png(matrices: Sequence[Maps]) -> bytes:
    """Matrices (rows, columns) of one shape side by side, each weight a square, as a PNG."""
    cell = max(1, SIDE // max(matrices[0].shape))
    squares = [signed(matrix).repeat(cell, axis=0).repeat(cell, axis=1) for matrix in matrices]
    gap = np.full((squares[0].shape[0], 8, 3), 255, np.uint8)
    row = [piece for square in squares for piece in (gap, square)][1:]
    return png(np.concatenate(row, axis=1))
