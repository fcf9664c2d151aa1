"""A picture: its header, the limits on its pixels and memory, and the array of its samples.

This file does without NumPy at its top, so that a picture is refused or decoded while NumPy is
imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

from convcli.errors import PictureError, UnfitError
from convcli.records import NamedTuple
from convcli.text import bytes_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convcli.images.pixel_arrays import Samples

Metadata: TypeAlias = Mapping[str, object]

ITEM_BYTES = {"uint8": 1, "uint16": 2, "float32": 4, "float64": 8}

WHITE = {"uint8": 255, "uint16": 65535}


class Header(NamedTuple):
    """What a filter needs to know about a picture: about its array, and its file if there is one.

    `opaque` says that no pixel is transparent, as far as that is known. `mode` is Pillow's of the
    file, and `array_mode` the one that it is converted to.
    """

    width: int
    height: int
    channels: int = 1
    dtype: str = "uint8"
    has_alpha: bool = False
    inks: bool = False
    opaque: bool = True
    frames: int = 1
    format: str = ""
    mode: str = ""
    array_mode: str = ""

    @property
    def full(self) -> int:
        """The sample that is white: 255 or 65535; 0 for floats, which have none."""
        return WHITE.get(self.dtype, 0)

    @property
    def colors(self) -> int:
        """Samples of a pixel that are not alpha."""
        return self.channels - self.has_alpha

    @property
    def samples(self) -> int:
        """Samples of one frame."""
        return self.width * self.height * self.channels

    @property
    def array_bytes(self) -> int:
        """Bytes of the arrays of all frames."""
        return self.samples * self.frames * ITEM_BYTES[self.dtype]


PILLOW_PIXELS = 178_956_970
"""Where Pillow refuses a picture as a decompression bomb: 2 × ⌊2³⁰ / 4 / 3⌋ pixels."""

STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes per pixel of Pillow's images by mode; 4 in all others."""

PROCESS_BYTES = 60 << 20
"""Bytes that a process takes beside pictures: interpreter, NumPy, Pillow, buffers of threads."""

MAX_PIPE_BYTES = 2**29
"""Maximum bytes of a pipe, whose length is not known before; --max-memory raises it."""

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def decoding_bytes(header: Header) -> int:
    """The most that decoding takes: Pillow's picture, a converted one, the array and its parts.

    >>> decoding_bytes(Header(1000, 1000, 3, mode="RGB", array_mode="RGB"))
    10000000
    """
    converted = 0 if header.mode == header.array_mode else 4
    if header.array_mode in ("LA;16", "RGB;16", "RGBA;16"):  # halves, and what is made of them
        converted = 12
    stored = STORED_BYTES.get(header.mode, 4) + converted
    return header.width * header.height * header.frames * stored + 2 * header.array_bytes


class TooLargeError(PictureError):
    """A picture beyond the limits; what its header says, and whether bands of it might do."""

    def __init__(self, text: str, header: Header, in_bands: bool = False) -> None:
        super().__init__(text)
        self.header, self.in_bands = header, in_bands


Needs = Callable[[Header], int]
"""What is done with a picture → the bytes that takes, with those of its array."""


class Limits(NamedTuple):
    """Pixels and bytes that are allowed, where other than usual, and how many share the bytes."""

    pixels: int | None = None
    memory: int | None = None
    beside: int = 1

    def check(self, header: Header, needs: int = 0) -> None:
        """Raise TooLargeError for a picture beyond the limits, before it is decoded.

        `needs` are the bytes that are taken by what is done with it, those of its array included.
        """
        allowed = PILLOW_PIXELS if self.pixels is None else self.pixels
        pixels = header.width * header.height * header.frames
        if pixels > allowed:
            frames = f"{header.frames} frames of " if header.frames > 1 else ""
            raise TooLargeError(
                f"{frames}{header.width}x{header.height} pixels are {pixels:,}, more than "
                f"{allowed:,}: too large; --max-pixels {pixels} allows them",
                header,
            )
        self.check_memory(header, max(decoding_bytes(header), needs))

    def check_memory(self, header: Header, needs: int) -> None:
        """The same for the bytes alone."""
        if self.memory is None and needs < 2**27:
            return  # every system has that much, and asking takes time
        if self.memory is None:
            have = available() // self.beside
        else:
            have, needs = self.memory // self.beside, needs + PROCESS_BYTES
        if needs > have:
            limit = f"the limit is {bytes_text(have, short=True)}"
            if self.memory is None:
                limit = f"{bytes_text(have, short=True)} are free"
            apart = ", use fewer --jobs" if self.beside > 1 else ""
            raise TooLargeError(
                f"{header.width}x{header.height} pixels ({header.mode}) need "
                f"{bytes_text(needs, short=True)} of memory, {limit}; raise it with --max-memory "
                f"{ceil(needs * self.beside / 2**20)}MiB{apart}",
                header,
                in_bands=True,
            )


def read_bytes(text: str) -> int:
    """Bytes as the command line takes them.

    >>> read_bytes("4GiB"), read_bytes("512M"), read_bytes("100000")
    (4294967296, 536870912, 100000)
    """
    match = re.fullmatch(r"(\d{1,18})\s*([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if match is None:
        raise ValueError(f"{text!r:.60} is not an amount of memory such as 4GiB, 512M or 1000000")
    return int(match[1]) * UNITS[match[2].upper()]


def available() -> int:
    """Bytes of memory that this process may still take, as far as the system says.

    The least of what is free or can be freed (/proc/meminfo), of the control group's limit, and of
    the process's own (RLIMIT_AS); the physical memory where there is none of these.
    """
    bounds = []
    with suppress(OSError, ValueError):
        with open("/proc/meminfo", encoding="ascii") as stream:
            match = re.search(r"MemAvailable:\s+(\d+) kB", stream.read())
        if match:
            bounds.append(int(match[1]) * 1024)
    with suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as stream:
            most = int(stream.read())
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as stream:
            bounds.append(max(0, most - int(stream.read())))
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            with open("/proc/self/statm", encoding="ascii") as stream:
                taken = int(stream.read().split()[0]) * resource.getpagesize()
            bounds.append(max(0, soft - taken))
    if not bounds:
        with suppress(AttributeError, OSError, ValueError):
            bounds.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(bounds, default=2**62)


class Timing(NamedTuple):
    """How long each frame of an animation is shown, in milliseconds, and how often all are."""

    durations: tuple[int, ...]
    loop: int | None = None

    def save_words(self) -> dict[str, object]:
        """As Pillow's `save` takes them."""
        words: dict[str, object] = {"duration": list(self.durations)} if self.durations else {}
        return words if self.loop is None else {**words, "loop": self.loop}


class Picture(NamedTuple):
    """A picture as an array, with all that is needed to save a result in the same way.

    `pixels` is (height, width, samples) of uint8 or uint16, or float32 for pictures of 32 bits; the
    last sample is alpha where `has_alpha`. `format` is Pillow's name of the format it came in, and
    `mode` Pillow's name of its mode where the number of samples does not tell it (CMYK). `metadata`
    are Pillow's names and values, "text" the texts of a PNG, "record" how a result was made.
    `frames` are the pictures after this one in an animation, and `timing` says when they are shown.

    >>> import numpy as np
    >>> Picture(np.zeros((2, 3, 4), np.uint8), True, "PNG", {}).header.colors
    3
    """

    pixels: Samples
    has_alpha: bool
    format: str
    metadata: Metadata
    notes: tuple[str, ...] = ()
    mode: str = ""
    frames: tuple[Samples, ...] = ()
    timing: Timing | None = None

    @property
    def header(self) -> Header:
        """What is known of the picture and of its first frame."""
        (height, width, channels), dtype = self.pixels.shape, self.pixels.dtype.name
        header = Header(width, height, channels, dtype, self.has_alpha, self.mode == "CMYK")
        last, full = self.pixels[..., -1], header.full
        opaque = not self.has_alpha or bool((last == full).all())
        return header._replace(opaque=opaque, frames=1 + len(self.frames), format=self.format)

    @property
    def full(self) -> int:
        """The sample that is white: 255 or 65535; 0 for floats, which have none."""
        return WHITE.get(self.pixels.dtype.name, 0)

    @property
    def opaque(self) -> bool:
        """Whether no pixel is transparent at all."""
        return self.header.opaque

    @property
    def without_alpha(self) -> Picture:
        """The colors alone."""
        if not self.has_alpha:
            return self
        return self._replace(pixels=self.pixels[..., :-1], has_alpha=False)


def picture_of(samples: NDArray[np.number]) -> Picture:
    """Samples (height, width) or (height, width, 1 to 4) as a picture.

    uint8 and uint16 hold 0 to 255 and 65535, floats 0 to 1; a second or fourth sample is alpha.

    >>> import numpy as np
    >>> picture_of(np.zeros((4, 5, 4), np.uint8)).has_alpha
    True

    Raises UnfitError for other shapes and dtypes, and for floats that are not finite.
    """
    import numpy as np

    pixels = samples[..., np.newaxis] if samples.ndim == 2 else samples
    if pixels.ndim != 3 or not pixels.size or pixels.shape[2] > 4:
        raise UnfitError(
            f"an array of the shape {samples.shape} is not a picture: one is height x width, or "
            "height x width x samples, of which there are 1 to 4"
        )
    if pixels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise UnfitError("the array holds values that are not finite in float32")
    elif pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise UnfitError(
            f"an array of {pixels.dtype} is not a picture: samples are uint8, uint16, or floats "
            "from 0 to 1"
        )
    return Picture(pixels, pixels.shape[2] in (2, 4), "", {})
