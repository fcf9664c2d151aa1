"""From a picture to a filtered file, written while it is computed where the format allows it."""

import os
from io import BytesIO
from typing import IO, Any, NamedTuple

import numpy as np

from convcli.errors import OutputError, PictureError, SpecError, UnfitError
from convcli.images.engines.quantize import Statistics, together
from convcli.images.engines.row_bands import Window
from convcli.images.filters.apply import filter_picture, is_direct, prepared
from convcli.images.filters.float_path import check_within, float_values
from convcli.images.filters.output_range import Range
from convcli.images.filters.spec import Filtered, Recipe
from convcli.images.image import Picture
from convcli.images.io.atomic import write_file
from convcli.images.io.formats import LONGEST_SIDES, SaveOptions, format_of
from convcli.images.io.jpeg_strips import BLOCKS, StripWriter
from convcli.images.io.memory_limits import Needs, Size
from convcli.images.io.metadata import metadata_of
from convcli.images.io.netpbm import RowWriter, write_pfm
from convcli.images.io.write import (
    check_frames,
    check_suffix,
    save_picture,
    without_alpha,
    write_picture,
    write_stdout,
)

FLOATS = (".npy", ".npz", ".pfm")
"""Files that hold the responses themselves, as floats; "tif32" is a TIFF that does."""

WIDE = 32
"""Rows or columns of a kernel above which transparent pictures are summed in floats as a whole."""

STREAMED_SAMPLES = 1_000_000
"""Below that a JPEG is encoded in one piece, after the filter."""


class Target(NamedTuple):
    """Where a result goes: a path or "-", whether it may be replaced, and how it is saved."""

    path: str
    force: bool = False
    options: SaveOptions = SaveOptions()

    def form(self, picture: Picture) -> str:
        """The format: asked for, told by the name, or on stdout that of the input."""
        if self.options.format:
            return self.options.format
        return picture.format if self.path == "-" else format_of(self.path)

    @property
    def floats(self) -> str:
        """The kind of file for floats that is asked for, or ""."""
        asked = (self.options.format or "").lower()
        if asked in ("npy", "npz", "pfm", "tif32"):
            return asked
        suffix = os.path.splitext(self.path)[1].lower()
        return suffix[1:] if suffix in FLOATS and not asked else ""


def check_target(target: Target) -> None:
    """Refuse a name that tells no format, before anything is read."""
    if target.path != "-" and not target.options.format and not target.floats:
        format_of(target.path)


def check_options(target: Target, form: str) -> None:
    """Refuse ways of saving that say nothing about a format. Raises SpecError."""
    kind = (target.floats or form).upper()
    for name, given, kinds in (
        ("--quality", target.options.quality, ("JPEG", "WEBP")),
        ("--subsampling", target.options.subsampling, ("JPEG",)),
    ):
        if given is not None and kind not in kinds:
            raise SpecError(f"{name} says nothing about {kind}; it is of {' and '.join(kinds)}")


def filter_to(
    picture: Picture, recipe: Recipe, target: Target, threads: int | None = None
) -> Statistics:
    """Filter a picture and write the result. Raises UnfitError, PictureError and OutputError."""
    if target.floats:
        return _write_floats(picture, recipe, target, threads)
    form = target.form(picture)
    if picture.frames:
        return _write_frames(picture, recipe, target, threads)
    picture = prepared(picture, recipe)
    if target.path != "-":
        check_suffix(picture, target.path)
    if form in ("JPEG", "PPM", "BMP"):
        picture = without_alpha(picture, form)
    if form == "PPM" and _streams(picture, recipe, target) and picture.pixels.shape[2] in (1, 3):
        return _stream_rows(picture, recipe, target, threads)
    if form == "JPEG" and _encodes_in_strips(picture, recipe, target):
        return _stream_strips(picture, recipe, target, threads)
    found = filter_picture(picture, recipe, threads)
    options = target.options._replace(format=form)
    write_picture(found.picture, target.path, target.force, options)
    return found.statistics


def _streams(picture: Picture, recipe: Recipe, target: Target) -> bool:
    """Whether rows can be written one by one into a new file."""
    path = target.path
    new = path != "-" and (not os.path.exists(path) or os.path.isfile(path))
    return new and is_direct(picture, recipe)


def _size(picture: Picture, recipe: Recipe) -> tuple[int, int, int]:
    (kernel,) = recipe.kernels
    window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
    return *window.output(picture.pixels.shape[:2]), picture.pixels.shape[2]


def _stream_rows(
    picture: Picture, recipe: Recipe, target: Target, threads: int | None
) -> Statistics:
    shape = _size(picture, recipe)
    found: list[Filtered] = []

    def write(stream: IO[bytes]) -> None:
        writer = RowWriter(stream, shape, picture.pixels.dtype)
        found.append(filter_picture(picture, recipe, threads, writer))

    write_file(target.path, write, target.force)
    return found[0].statistics


def _encodes_in_strips(picture: Picture, recipe: Recipe, target: Target) -> bool:
    options = target.options.of("JPEG")
    return (
        is_direct(picture, recipe)
        and picture.pixels.dtype == np.uint8
        and picture.pixels.shape[2] in (1, 3)
        and picture.pixels.size >= STREAMED_SAMPLES
        and options.get("subsampling", "4:2:0") in BLOCKS
        and max(picture.pixels.shape[:2]) <= LONGEST_SIDES["JPEG"]
    )


def _stream_strips(
    picture: Picture, recipe: Recipe, target: Target, threads: int | None
) -> Statistics:
    writer = StripWriter(_size(picture, recipe), target.options.of("JPEG"))
    metadata = metadata_of(picture, "JPEG")
    found: list[Filtered] = []

    def write(stream: IO[bytes]) -> None:
        found.append(filter_picture(picture, recipe, threads, writer, writer.rows))
        try:
            writer.write(stream, metadata)
        except ValueError as error:
            raise OutputError(f"JPEG cannot hold this picture: {error}") from None

    if target.path == "-":
        buffer = BytesIO()
        write(buffer)
        write_stdout(buffer.getbuffer())
    else:
        write_file(target.path, write, target.force)
    return found[0].statistics


def _write_frames(
    picture: Picture, recipe: Recipe, target: Target, threads: int | None
) -> Statistics:
    """Every frame of an animation on its own, with its timing kept."""
    check_frames(picture, target.form(picture))
    first = filter_picture(picture._replace(frames=()), recipe, threads)
    frames, statistics = [], first.statistics
    for pixels in picture.frames:
        found = filter_picture(picture._replace(pixels=pixels, frames=()), recipe, threads)
        frames.append(found.pixels)
        statistics = together(statistics, found.statistics)
    whole = first.picture._replace(frames=tuple(frames))
    options = target.options._replace(format=target.form(picture))
    write_picture(whole, target.path, target.force, options)
    return statistics


def _write_floats(
    picture: Picture, recipe: Recipe, target: Target, threads: int | None
) -> Statistics:
    """The responses as they are: signed, unscaled, neither rounded nor clipped."""
    if picture.frames:
        raise PictureError("an animation is not written as floats; name one frame of it")
    recipe = recipe._replace(range=Range("clip"))
    picture = prepared(picture, recipe)
    values = float_values(picture, recipe, threads)
    if recipe.bias:
        with np.errstate(over="ignore"):
            values = values + float(recipe.bias)
    narrow = target.floats in ("pfm", "tif32")
    check_within(values, np.float32 if narrow else values.dtype, recipe.label)
    least, most = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)

    def write(stream: IO[bytes]) -> None:
        flat = values[..., 0] if values.shape[2] == 1 else values
        if target.floats == "npy":
            np.save(stream, flat, allow_pickle=False)
        elif target.floats == "npz":
            np.savez_compressed(stream, response=flat)
        elif target.floats == "pfm":
            write_pfm(values, stream)
        else:
            save_picture(picture._replace(pixels=values, has_alpha=False, mode="F"), stream, "TIFF")

    if target.path == "-":
        buffer = BytesIO()
        write(buffer)
        write_stdout(buffer.getbuffer())
    else:
        write_file(target.path, write, target.force)
    return Statistics(least, most, 0, values.size)


def expected_bytes(picture: Picture, recipe: Recipe) -> int:
    """About how much memory a filter takes beside the picture itself, predicted from its size."""
    transparent = picture.has_alpha and not picture.opaque
    pixels = picture.pixels
    return _expected(pixels.size, pixels.dtype, transparent, picture, recipe)


def _expected(
    samples: int, dtype: np.dtype[Any], transparent: bool, like: Picture, recipe: Recipe
) -> int:
    if is_direct(like, recipe):
        large = max(recipe.kernels[0].shape) > WIDE
        blended = 2**27 + (samples * 3 * 8 if large else 0)
        return samples * dtype.itemsize + (blended if transparent else 2**24)
    wide = 4 if dtype == np.uint8 else 8
    # to light and back are float64 too
    return samples * (2 * wide + (6 if recipe.linear else 4) * 8)


def needed_by(recipe: Recipe, floats: bool = False) -> Needs:
    """The bytes that a filter takes in all, from what a header says: exact integers.

    The picture, what is computed from it, and Pillow's copy of the result, 4 bytes a pixel;
    `floats` are what is written.
    """
    if floats:  # never in one step
        recipe = recipe._replace(range=Range("stretch"))

    def needs(size: Size) -> int:
        if not size.pixels:
            return 0
        deep = size.mode.startswith("I;16") or size.mode == "RGB;16"
        dtype = np.dtype(np.uint16 if deep else np.float32 if size.mode in "IF" else np.uint8)
        samples = size.array_bytes // dtype.itemsize
        blank = Picture(np.empty((0, 0, 1), dtype), False, "", {})
        # frames are computed one by one, and all kept
        at_once = samples // size.frames
        transparent = size.mode in ("LA", "RGBA", "PA", "P")
        work = _expected(at_once, dtype, transparent, blank, recipe)
        return 2 * size.array_bytes + work + 4 * size.pixels

    return needs


def refuse_clipping(picture: Picture, recipe: Recipe, threads: int | None) -> None:
    """Raise UnfitError where any value of the result lies outside the samples."""
    for pixels in (picture.pixels, *picture.frames):
        found = filter_picture(picture._replace(pixels=pixels, frames=()), recipe, threads)
        if found.statistics.clipped:
            raise UnfitError(
                f"{found.statistics.text}; --range stretch, signed or pct:1,99 keeps more of them"
            )
