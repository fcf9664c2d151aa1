"""The data of pages without a network: a window that walks over numbers, a kernel on a picture."""

from base64 import b64encode
from fractions import Fraction
from math import sqrt

import numpy as np
from PIL import Image

from convcli.errors import UnfitError
from convcli.explanation.steps import Spot, Walk
from convcli.explanation.values import json_stack, numeric
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.plan import intensity_map
from convcli.images.filters.spec import Range
from convcli.images.image import Picture
from convcli.images.kernels.catalogue import CATALOGUE
from convcli.images.kernels.kernel import Kernel
from convcli.images.kernels.parse import kernel
from convcli.tables import Record

MAX_CELLS = 64
"""Rows or columns of an input that a page draws."""

MAX_SIDE = 512
"""Pixels per side of a picture in a page; a larger one is reduced."""

MAX_TAPS = 31
"""Rows or columns of the kernels that a page offers."""


def convolution_data(walk: Walk, cell: Spot | None = None) -> Record:
    """The data of a page on a sliding window, which begins at a cell of the output.

    Raises UnfitError for letters, and for more cells than a page draws.
    """
    stacks = (walk.input, walk.given or walk.kernel)
    values = [v for stack in stacks for grid in stack for row in grid for v in row]
    if not numeric(*values, *(() if walk.bias is None else (walk.bias,))):
        raise UnfitError("a page computes with numbers: leave --symbols and letters out")
    rows, columns = walk.axes
    if max(rows.cells, columns.cells, *walk.size) > MAX_CELLS:
        raise UnfitError(f"a page draws inputs and outputs of up to {MAX_CELLS}x{MAX_CELLS} cells")
    name = {"avg pool": "average pool"}.get(walk.operation, walk.operation)
    return {
        "kind": "convolution",
        "channels": len(walk.input),
        "input": json_stack(walk.input),
        "kernel": json_stack(walk.given or walk.kernel),
        "cell": list(cell or (0, 0)),
        "state": {
            "operation": name,
            "input": [rows.cells, columns.cells],
            "kernel": [rows.window.kernel, columns.window.kernel],
            "stride": [axis.stride for axis in walk.axes],
            "padding": walk.padding,
            "dilation": [rows.window.dilation, columns.window.dilation],
            "extra": [rows.extra, columns.extra],
            "border": walk.border.name,
            "constant": float(walk.border.value),
            "bias": 0.0 if walk.bias is None else float(Fraction(walk.bias)),
            "flip": walk.flip and walk.is_transposed,
        },
    }


def picture_data(picture: Picture, first: Kernel, cell: Spot | None = None) -> Record:
    """The data of a page on a kernel and a picture, which is reduced to MAX_SIDE pixels a side."""
    pixels, notes = picture.pixels, []
    if picture.has_alpha:
        pixels = pixels[..., :-1]
        notes.append("transparency is left out")
    if picture.frames:
        notes.append("the first frame")
    if pixels.dtype != np.uint8:
        full = float(picture.full or 1)
        pixels = np.floor(np.clip(pixels / full, 0, 1) * 255 + 0.5).astype(np.uint8)
        notes.append("samples are rounded to 8 bits")
    height, width = pixels.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        planes = map(Image.fromarray, np.moveaxis(pixels, -1, 0).copy())
        resized = (plane.resize(size, Image.Resampling.LANCZOS) for plane in planes)
        pixels = np.stack([np.asarray(plane) for plane in resized], -1)
        cell = cell and (int(cell[0] * scale), int(cell[1] * scale))
        notes.insert(0, f"reduced from {height}x{width}")
    note = ", ".join((f"{pixels.shape[0]}x{pixels.shape[1]} pixels", *notes))
    return {
        "kind": "picture",
        "note": note,
        "cell": cell and list(cell),
        "picture": {
            "height": pixels.shape[0],
            "width": pixels.shape[1],
            "channels": pixels.shape[2],
            "samples": b64encode(np.ascontiguousarray(pixels).tobytes()).decode(),
        },
        "kernel": kernel_data(first),
        "border": FilterOptions(kernels=()).border,
        "catalogue": {
            name: kernel_data(listed)
            for name, listed in ((name, kernel(name)) for name in CATALOGUE)
            if max(listed.shape) <= MAX_TAPS and not listed.lines
        },
    }


def kernel_data(weights: Kernel) -> Record:
    """A kernel as numbers, and how its responses become samples.

    >>> data = kernel_data(kernel("sobel-x"))
    >>> data["parts"], data["absolute"], data["gain"]
    ([[[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]], True, 0.25)

    Raises UnfitError for a kernel of more than MAX_TAPS rows or columns.
    """
    if max(weights.shape) > MAX_TAPS:
        rows, columns = weights.shape
        raise UnfitError(
            f"{weights.title} has {rows}x{columns} taps; a page shows up to {MAX_TAPS}x{MAX_TAPS}"
        )
    intensity = intensity_map(weights, Range("auto"), 255)
    is_magnitude = weights.combine == "magnitude"
    return {
        "name": weights.title,
        "parts": [
            [[float(tap * scale) for tap in row] for row in matrix.tolist()]
            for matrix, scale in weights.matrices()
        ],
        "combine": "" if weights.combine == "sum" else weights.combine,
        "anchor": weights.anchor and list(weights.anchor),
        "absolute": intensity.absolute,
        "gain": sqrt(intensity.square) if is_magnitude else float(intensity.gain),
        "offset": float(intensity.offset),
    }
