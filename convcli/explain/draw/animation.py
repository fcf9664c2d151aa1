"""The sliding window as a GIF, a WebP, an APNG, or one strip.

Every frame has the same clear pixels, so that each may hold only what changed since the last.
"""

from collections.abc import Iterator
from typing import IO

from PIL import Image

from convcli.errors import OutputError, UnfitError
from convcli.explain.draw.frames import Sheet
from convcli.explain.draw.themes import THEMES, palette
from convcli.explain.steps import Spot, Walk
from convcli.images.io.atomic import check_free, write_file
from convcli.text import safe

MAX_PIXELS = 400_000_000
"""Pixels of all frames together, a byte each."""

WEBP_METHOD = 2
"""Effort, 0 to 6: at 0 the file of 256 frames of 16x16 cells has 14.5 MB, at 2 it has 0.7 MB."""


def save_animation(
    walk: Walk,
    target: str,
    chosen: Spot | None = None,
    fps: float = 2.0,
    theme: str = "both",
    force: bool = False,
) -> None:
    """Draw every step of a walk into a GIF, WebP or APNG, or side by side into one PNG.

    The name's end decides: .gif, .webp, .apng, or .png for the strip. Raises OutputError for other
    names, UnfitError for what is too large to draw.
    """
    suffix = target[target.rfind(".") :].lower() if "." in target else ""
    if suffix not in WRITERS:
        raise OutputError(
            f"{safe(target)}: an animation ends in {', '.join(WRITERS)} (one strip), "
            f"not {safe(suffix)!r}"
        )
    check_free([target], force)
    sheet = Sheet(walk, THEMES[theme], chosen)
    count = len(sheet.cells)
    if count * sheet.width * sheet.height > MAX_PIXELS:
        raise UnfitError(
            f"{count} frames of {sheet.width}x{sheet.height} are more than "
            f"{MAX_PIXELS:,} pixels; give --cell ROW,COLUMN for one"
        )
    write = WRITERS[suffix]
    write_file(
        target, lambda stream: write(stream, sheet, sheet.frames(), round(1000 / fps)), force
    )


def _indexed(sheet: Sheet, frames: Iterator[Image.Image]) -> Iterator[Image.Image]:
    """Frames in the palette of their theme: a byte a pixel, and the same colours in all."""
    flat, clear = palette(sheet.theme)
    book = Image.new("P", (1, 1))
    book.putpalette(flat)
    for frame in frames:
        plain = frame.convert("RGB").quantize(palette=book, dither=Image.Dither.NONE)
        if sheet.theme.page is None:
            plain.paste(clear, mask=frame.getchannel("A").point(lambda alpha: 255 * (alpha < 128)))
            plain.info["transparency"] = clear
        yield plain


def _gif(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    first, *rest = _indexed(sheet, frames)
    first.save(
        stream, "GIF", save_all=True, append_images=rest, loop=0, duration=duration, disposal=1
    )


def _webp(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    first, *rest = _indexed(sheet, frames)
    first.save(
        stream,
        "WEBP",
        save_all=True,
        append_images=rest,
        loop=0,
        duration=duration,
        lossless=True,
        quality=100,
        method=WEBP_METHOD,
    )


def _apng(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    first, *rest = _indexed(sheet, frames)
    first.save(stream, "PNG", save_all=True, append_images=rest, loop=0, duration=duration)


def _strip(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    """All frames on one picture, as many columns as the output has."""
    pictures = list(frames)
    columns = sheet.walk.size[1] if len(pictures) > 1 else 1
    rows = -(-len(pictures) // columns)
    strip = Image.new("RGBA", (columns * sheet.width, rows * sheet.height))
    for number, picture in enumerate(pictures):
        place = number % columns * sheet.width, number // columns * sheet.height
        strip.paste(picture, place)
    strip.save(stream, "PNG", optimize=True)


WRITERS = {".gif": _gif, ".webp": _webp, ".apng": _apng, ".png": _strip}
"""The end of a file's name → how its frames are written."""
