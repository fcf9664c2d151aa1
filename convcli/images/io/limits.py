"""Limits on the pixels and the memory of a picture, checked from its header.

This file does without NumPy, so that a picture is refused or decoded while NumPy is imported.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from math import ceil

from convcli.errors import PictureError
from convcli.images.image import Header
from convcli.images.io.decoding import DEEP
from convcli.images.io.formats import FORMATS
from convcli.records import NamedTuple

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
    if header.array_mode in DEEP.values():
        converted = 12
    stored = STORED_BYTES.get(header.mode, 4) + converted
    return header.width * header.height * header.frames * stored + 2 * header.array_bytes


class TooLargeError(PictureError):
    """A picture beyond the limits, which may be read in bands; what its header says of it."""

    def __init__(self, text: str, header: Header) -> None:
        super().__init__(text)
        self.header = header


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
            limit = f"the limit is {bytes_text(have)}"
            if self.memory is None:
                limit = f"{bytes_text(have)} are free"
            apart = ", use fewer --jobs" if self.beside > 1 else ""
            form = FORMATS.get(header.format)
            large = ", or pip install 'convcli[large]' to read it in bands"
            raise TooLargeError(
                f"{header.width}x{header.height} pixels ({header.mode}) need {bytes_text(needs)} "
                f"of memory, {limit}; raise it with --max-memory "
                f"{ceil(needs * self.beside / 2**20)}MiB{apart}"
                f"{large if form and form.vips_loader else ''}",
                header,
            )


def bytes_text(count: int) -> str:
    """A number of bytes for people.

    >>> bytes_text(42_257_216), bytes_text(100 * 2**20), bytes_text(10)
    ('40.3 MiB', '100 MiB', '10 bytes')
    """
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        size = UNITS[unit[0]]
        if count >= size:
            digits = 1 if count % size else 0
            return f"{count / size:,.{digits}f} {unit}"
    return f"{count} bytes"


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
