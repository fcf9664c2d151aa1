"""The sliding window as a GIF, WebP, APNG, animated SVG, video, PDF pages, or pictures."""

import os
import re
import shutil
import subprocess
from functools import partial
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import IO

from PIL import Image, ImageChops

from convcli.drawing.network.pdf import pages
from convcli.drawing.network.writers import COMMON, svg_item
from convcli.errors import OutputError, UnfitError
from convcli.explanation.draw.frames import Sheet
from convcli.explanation.draw.pens import VectorPen
from convcli.images.io.atomic import check_free, write_file
from convcli.text import safe

MAX_PIXELS = 400_000_000
"""Pixels of all frames together, a byte each."""

WEBP_METHOD = 2
"""Effort, 0 to 6: at 0 the file of 256 frames of 16x16 cells has 14.5 MB, at 2 it has 0.7 MB."""


def save_animation(sheet: Sheet, target: str, fps: float = 2.0, force: bool = False) -> None:
    """Draw every step of a sheet into an animation, a video, pages, or pictures.

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
    write_file(target, lambda stream: write(stream, sheet, round(1000 / fps)), force)


NUMBERED = re.compile(r"([^%]*)%(?:0(\d))?d([^%]*\.png)", re.IGNORECASE)
"""A name that stands for many: all before the number, its digits, all behind it."""


def _gif(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    """Frames that hold what changed since the last, clear where nothing did.

    Pillow packs the pixels of each; finding the changes in colors, as Pillow would, takes longer
    than drawing.
    """
    clear = sheet.palette.clear
    control = b"!\xf9\x04\x05%s%c\0" % ((duration // 10).to_bytes(2, "little"), clear)
    last: Image.Image | None = None
    for pixels in sheet.indices():
        delta, left, top = pixels.copy(), 0, 0
        if last is not None:
            change = ImageChops.difference(pixels, last)
            area = change.getbbox() or (0, 0, 1, 1)
            delta, (left, top, *_) = pixels.crop(area), area
            delta.paste(clear, mask=change.crop(area).point(UNCHANGED))
        delta.putpalette(sheet.palette.flat)
        file = BytesIO()
        delta.save(file, "GIF", optimize=False, interlace=False)
        header, picture = file.getvalue()[6:HEADER], file.getvalue()[HEADER:-1]
        if last is None:
            stream.write(b"GIF89a" + header + b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0")
        corner = left.to_bytes(2, "little") + top.to_bytes(2, "little")
        stream.write(control + picture[:1] + corner + picture[5:])
        last = pixels
    stream.write(b";")


HEADER = 6 + 7 + 3 * 256
"""Bytes of a GIF before its first picture: the signature, the screen, and 256 colors."""

UNCHANGED = [255] + [0] * 255
"""What makes a mask of the pixels whose difference is 0."""


def _webp(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    first, *rest = sheet.frames()
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


def _apng(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    first, *rest = sheet.frames()
    first.save(stream, "PNG", save_all=True, append_images=rest, loop=0, duration=duration)


def _strip(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    """All frames on one picture, as many side by side as the sheet says."""
    pictures = list(sheet.indices())
    columns = sheet.columns if len(pictures) > 1 else 1
    rows = -(-len(pictures) // columns)
    size = columns * sheet.width, rows * sheet.height
    strip = Image.new("L", size, sheet.palette.clear)
    for number, picture in enumerate(pictures):
        corner = number % columns * sheet.width, number // columns * sheet.height
        strip.paste(picture, corner)
    strip.putpalette(sheet.palette.flat)
    strip.save(stream, "PNG", optimize=True, transparency=sheet.palette.clear)


def _on_paper(frame: Image.Image) -> Image.Image:
    """A frame without transparency, with even sides, as videos need them."""
    paper = Image.new(
        "RGB", (frame.width + frame.width % 2, frame.height + frame.height % 2), "white"
    )
    paper.paste(frame, (0, 0), frame.convert("RGBA"))
    return paper


def _mp4(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    """A video in H.264, written by ffmpeg. Raises OutputError where it is not installed."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise OutputError(
            "ffmpeg writes .mp4 files and is not installed; .gif needs no other program"
        )
    frames = sheet.frames()
    first = _on_paper(next(frames))
    size, rate = f"{first.width}x{first.height}", f"1000/{duration}"
    with TemporaryDirectory() as folder:
        film = os.path.join(folder, "film.mp4")
        command = [
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
        command += ["-i", "-", "-pix_fmt", "yuv420p", "-movflags", "+faststart", film]
        pipe = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert pipe.stdin is not None
            pipe.stdin.write(first.tobytes())
            for frame in frames:
                pipe.stdin.write(_on_paper(frame).tobytes())
        except OSError:
            pass  # it has ended, and says why below
        _, errors = pipe.communicate()
        if pipe.returncode:
            reason = safe(errors.decode("utf-8", "replace").strip()[:200])
            raise OutputError(f"ffmpeg wrote no film: {reason}")
        with open(film, "rb") as file:
            shutil.copyfileobj(file, stream)


def _svg(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    """Every step of a sheet in turn, by SMIL; without animations the first one is shown."""
    pen, count = VectorPen(), len(sheet.cells)
    sheet.draw_ground(pen)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width} {sheet.height}" '
        f'width="{sheet.width}" height="{sheet.height}" role="img" {COMMON}>',
        "<title>convolution, step by step</title>",
        _elements(pen),
    ]
    for number, cell in enumerate(sheet.cells):
        sheet.draw_step(pen, cell)
        timing = _timing(number, number + 1, count, duration)
        hidden = ' display="none"' if number else ""
        lines.append(f"<g{hidden}>{timing}{_elements(pen)}</g>")
        if number + 1 < count:
            sheet.draw_results(pen, cell)
            timing = _timing(number + 1, count, count, duration)
            lines.append(f'<g display="none">{timing}{_elements(pen)}</g>')
    stream.write("\n".join([*lines, "</svg>", ""]).encode())


def _elements(pen: VectorPen) -> str:
    return "".join(map(svg_item, pen.take_items()))


def _timing(start: int, end: int, count: int, duration: int) -> str:
    """What shows a group from one step to another, of all."""
    values, times = ["none"] * (start > 0) + ["inline"], [0.0] * (start > 0) + [start / count]
    if end < count:
        values.append("none")
        times.append(end / count)
    if len(values) == 1:
        return ""
    return (
        f'<animate attributeName="display" calcMode="discrete" repeatCount="indefinite" '
        f'dur="{count * duration / 1000:g}s" values="{";".join(values)}" '
        f'keyTimes="{";".join(f"{time:.6g}" for time in times)}"/>'
    )


def _pdf(stream: IO[bytes], sheet: Sheet, duration: int) -> None:
    """A page for each step, for slides; what is on several pages is in the file once."""
    pen = VectorPen()
    sheet.draw_ground(pen)
    parts, layers = [pen.take_items()], []
    so_far = [0]
    for cell in sheet.cells:
        sheet.draw_step(pen, cell)
        layers.append([*so_far, len(parts)])
        parts.append(pen.take_items())
        sheet.draw_results(pen, cell)
        so_far.append(len(parts))
        parts.append(pen.take_items())
    size = sheet.width, sheet.height
    stream.write(pages(size, parts, layers, "convolution, step by step"))


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
