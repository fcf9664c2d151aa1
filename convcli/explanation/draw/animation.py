"""The sliding window as a GIF, WebP, APNG, SVG that moves, film, pages of a PDF, or pictures.

Every frame has the same clear pixels, so that each may hold only what changed since the last.
"""

import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryDirectory
from typing import IO

from PIL import Image

from convcli.drawing.network.pdf import assembled
from convcli.errors import OutputError, UnfitError
from convcli.explanation.draw.frames import Sheet
from convcli.explanation.draw.themes import THEMES, palette
from convcli.explanation.draw.vector import moving_svg
from convcli.explanation.steps import Spot, Walk
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
    """Draw every step of a walk into an animation, a film, pages, or pictures.

    The name's end decides: .gif, .webp, .apng, .svg, .mp4 (by ffmpeg), .pdf with a page for each
    step, or .png for all steps side by side; a .png with %d or %03d in its name is one picture for
    each step, from 1. Raises OutputError for other names, UnfitError for what is too large to draw.
    """
    suffix = target[target.rfind(".") :].lower() if "." in target else ""
    if suffix not in WRITERS:
        raise OutputError(
            f"{safe(target)}: an animation ends in {', '.join(WRITERS)} (one strip), "
            f"not {safe(suffix)!r}"
        )
    numbered = NUMBERED.fullmatch(target)
    if numbered is None:
        check_free([target], force)
    sheet = Sheet(walk, THEMES[theme], chosen)
    count = len(sheet.cells)
    if count * sheet.width * sheet.height > MAX_PIXELS:
        raise UnfitError(
            f"{count} frames of {sheet.width}x{sheet.height} are more than "
            f"{MAX_PIXELS:,} pixels; give --cell ROW,COLUMN for one"
        )
    if numbered is not None:
        before, width, behind = numbered.groups()
        names = [f"{before}{number:0{width or 1}d}{behind}" for number in range(1, count + 1)]
        check_free(names, force)
        for name, frame in zip(names, sheet.frames(), strict=True):
            write_file(name, partial(frame.save, format="PNG"), force)
        return
    write = WRITERS[suffix]
    write_file(
        target, lambda stream: write(stream, sheet, sheet.frames(), round(1000 / fps)), force
    )


NUMBERED = re.compile(r"([^%]*)%(?:0(\d))?d([^%]*\.png)", re.IGNORECASE)
"""A name that stands for many: all before the number, its digits, all behind it."""


def _indexed(sheet: Sheet, frames: Iterator[Image.Image]) -> Iterator[Image.Image]:
    """Frames in the palette of their theme: a byte a pixel, and the same colours in all.

    Of each but the first only what changed is looked up.
    """
    flat, clear = palette(sheet.theme)
    book = Image.new("P", (1, 1))
    book.putpalette(flat)
    last: Image.Image | None = None
    for number, frame in enumerate(frames):
        if last is None:
            plain = _looked_up(frame, book, clear, sheet)
        else:
            plain = last.copy()
            for left, top, right, bottom in sheet.changes(number):
                area = left, top, right + 1, bottom + 1
                plain.paste(_looked_up(frame.crop(area), book, clear, sheet), area)
        last = plain
        if sheet.theme.page is None:
            plain.info["transparency"] = clear
        yield plain


def _looked_up(frame: Image.Image, book: Image.Image, clear: int, sheet: Sheet) -> Image.Image:
    plain = frame.convert("RGB").quantize(palette=book, dither=Image.Dither.NONE)
    if sheet.theme.page is None:
        plain.paste(clear, mask=frame.getchannel("A").point(lambda alpha: 255 * (alpha < 128)))
    return plain


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


def _on_paper(frame: Image.Image) -> Image.Image:
    """A frame without transparency, its sides even, as films have them."""
    paper = Image.new(
        "RGB", (frame.width + frame.width % 2, frame.height + frame.height % 2), "white"
    )
    paper.paste(frame, (0, 0), frame)
    return paper


def _mp4(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    """A film in H.264, which ffmpeg writes. Raises OutputError where it is not installed."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise OutputError(
            "an .mp4 is written by ffmpeg, which is not installed; .gif needs nothing"
        )
    first = _on_paper(next(frames))
    size, rate = f"{first.width}x{first.height}", f"1000/{duration}"
    with TemporaryDirectory() as folder:
        film = os.path.join(folder, "film.mp4")
        words = [
            ffmpeg,
            "-v",
            "error",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            size,
            "-r",
            rate,
        ]
        words += ["-i", "-", "-pix_fmt", "yuv420p", "-movflags", "+faststart", film]
        pipe = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert pipe.stdin is not None
            pipe.stdin.write(first.tobytes())
            for frame in frames:
                pipe.stdin.write(_on_paper(frame).tobytes())
        except OSError:
            pass  # it has ended, and says why below
        _, told = pipe.communicate()
        if pipe.returncode:
            reason = safe(told.decode("utf-8", "replace").strip()[:200])
            raise OutputError(f"ffmpeg wrote no film: {reason}")
        with open(film, "rb") as file:
            shutil.copyfileobj(file, stream)


def _pdf(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    """A page for each step, for slides: its pixels as they are, in the colors of the theme."""
    flat, clear = palette(sheet.theme)
    colors = bytes(flat[: 3 * clear]) + b"\xff\xff\xff"
    width, height = sheet.width, sheet.height
    kids: list[str] = []
    objects: list[bytes] = []
    for frame in _indexed(sheet, frames):
        number = 3 + len(objects)
        kids.append(f"{number} 0 R")
        content = b"q %d 0 0 %d 0 0 cm /I Do Q" % (width, height)
        pixels = zlib.compress(frame.tobytes(), 9)
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R"
            b"/Resources<</XObject<</I %d 0 R>>>>>>" % (width, height, number + 1, number + 2),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            b"<</Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8"
            b"/ColorSpace[/Indexed/DeviceRGB 255<%s>]/Filter/FlateDecode/Length %d>>"
            b"stream\n%s\nendstream" % (width, height, colors.hex().encode(), len(pixels), pixels),
        ]
    catalog = b"<</Type/Catalog/Pages 2 0 R>>"
    pages = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    stream.write(assembled([catalog, pages, *objects]))


def _svg(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    stream.write(moving_svg(sheet, duration / 1000).encode())


WRITERS = {
    ".gif": _gif,
    ".svg": _svg,
    ".webp": _webp,
    ".apng": _apng,
    ".mp4": _mp4,
    ".pdf": _pdf,
    ".png": _strip,
}
"""The end of a file's name → how its frames are written."""
