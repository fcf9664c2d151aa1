"""How much memory a picture takes, in exact integers from its header, and how much there is.

This file does without NumPy, so that a picture is measured before it is decoded.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from convcli.errors import PictureError

PILLOW_PIXELS = 178_956_970
"""Where Pillow refuses a picture as a decompression bomb: 2 × ⌊2³⁰ / 4 / 3⌋ pixels."""

STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes a pixel takes in Pillow by mode; 4 in all others."""

SAMPLES = {"1": 1, "L": 1, "P": 4, "LA": 2, "PA": 4, "RGB": 3, "RGB;16": 6} | {
    mode: 2 for mode in STORED if mode.startswith("I;16")
}
"""Bytes a pixel takes in our array by mode; 4 in all others."""

PLAIN = ("L", "LA", "RGB", "RGBA", "I;16")
"""Modes that become an array without another image between."""

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class Size(NamedTuple):
    """What a header says of a picture."""

    width: int
    height: int
    mode: str
    frames: int = 1

    @property
    def pixels(self) -> int:
        return self.width * self.height * self.frames

    @property
    def array_bytes(self) -> int:
        """Of the samples."""
        return self.pixels * SAMPLES.get(self.mode, 4)

    @property
    def decoding_bytes(self) -> int:
        """The most that decoding takes: Pillow's picture, a converted one, the array and its parts.

        >>> Size(1000, 1000, "RGB").decoding_bytes
        10000000
        """
        copies = 1 if self.mode in PLAIN else 2
        stored = self.pixels * STORED.get(self.mode, 4) + (copies - 1) * self.pixels * 4
        return stored + 2 * self.array_bytes


class TooLargeError(PictureError):
    """A picture beyond the limits, which may be read in bands; what its header says of it."""

    def __init__(self, text: str, size: Size) -> None:
        super().__init__(text)
        self.size, self.format = size, ""

    def called(self, name: str) -> "TooLargeError":
        """The same, with the name of the picture."""
        found = TooLargeError(f"{name}: {self}", self.size)
        found.format = self.format
        return found


Needs = Callable[[Size], int]
"""What is done with a picture → the bytes that takes, with those of its array."""


class Limits(NamedTuple):
    """Pixels and bytes that are allowed, where other than usual, and how many share the bytes."""

    pixels: int | None = None
    memory: int | None = None
    beside: int = 1

    def check(self, size: Size, needs: Needs | None = None) -> None:
        """Raise PictureError for a picture beyond the limits, before it is decoded."""
        most = PILLOW_PIXELS if self.pixels is None else self.pixels
        if size.pixels > most:
            frames = f"{size.frames} frames of " if size.frames > 1 else ""
            raise TooLargeError(
                f"{frames}{size.width}x{size.height} pixels are {size.pixels:,}, more than "
                f"{most:,}: too large; --max-pixels {size.pixels} allows them",
                size,
            )
        need = max(size.decoding_bytes, needs(size) if needs else 0)
        if self.memory is None and need < 2**27:
            return  # nobody is that poor, and asking takes time
        have = (self.memory if self.memory is not None else available()) // self.beside
        if need > have:
            apart = "; fewer --jobs" if self.beside > 1 else ""
            raise TooLargeError(
                f"{size.width}x{size.height} pixels ({size.mode}) need {need:,} bytes of memory, "
                f"{have:,} are there{apart}; --max-memory {need} goes on all the same, and "
                "pip install 'convcli[large]' reads it in bands",
                size,
            )

    def check_mapped(self, shape: tuple[int, ...], itemsize: int, needs: Needs | None) -> None:
        """The same for a file that is mapped: it is not decoded, and no bomb."""
        if needs is not None:
            height, width, samples = shape
            mode = {(1, 1): "L", (3, 1): "RGB", (1, 2): "I;16"}.get((samples, itemsize), "RGB;16")
            size = Size(width, height, mode)
            Limits(size.pixels, self.memory, self.beside).check(size, needs)


def available() -> int:
    """Bytes of memory that this process may still take, as far as the system says.

    The least of what is free or can be freed (/proc/meminfo), of the control group's limit, and of
    the process's own (RLIMIT_AS); the physical memory where there is none of these.
    """
    found = []
    with suppress(OSError, ValueError):
        with open("/proc/meminfo", encoding="ascii") as stream:
            match = re.search(r"MemAvailable:\s+(\d+) kB", stream.read())
        if match:
            found.append(int(match[1]) * 1024)
    with suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as stream:
            most = int(stream.read())
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as stream:
            found.append(max(0, most - int(stream.read())))
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            with open("/proc/self/statm", encoding="ascii") as stream:
                held = int(stream.read().split()[0]) * resource.getpagesize()
            found.append(max(0, soft - held))
    if not found:
        with suppress(AttributeError, OSError, ValueError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=2**62)


def read_bytes(text: str) -> int:
    """Bytes as the shell says them.

    >>> read_bytes("4GiB"), read_bytes("512M"), read_bytes("100000")
    (4294967296, 536870912, 100000)
    """
    match = re.fullmatch(r"(\d{1,18})\s*([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if match is None:
        raise ValueError(f"{text!r:.60} is no amount of memory such as 4GiB, 512M or 1000000")
    return int(match[1]) * UNITS[match[2].upper()]
