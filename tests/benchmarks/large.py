"""A gigapixel TIFF through `convcli filter` in bands: memory, and time a megapixel.

    python tests/benchmarks/large.py [megapixels] [folder]

Makes the TIFF itself (RGB, 3 bytes a pixel, about 3 GB for 1,000 megapixels, and as much for the
result), filters it and one of 12 megapixels in turn, and checks rows of the result against the same
rows filtered as a picture of their own. Needs the extra `large`.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from convcli.images.filters import out_of_core
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.spec import FilterSpec
from convcli.images.image import Picture
from convcli.images.kernels.parse import kernel

KERNEL = "sobel"


def make(path: Path, height: int, width: int) -> None:
    """Noise on slopes, row by row, so that any row can be made again."""
    shape, dtype = (height, width, 3), np.dtype(np.uint8)
    begin, finish = out_of_core.WRITERS["TIFF"]
    with open(path, "w+b") as stream:
        begin(stream, shape, dtype)
        for top in range(0, height, 256):
            stream.write(rows(top, min(top + 256, height), width).tobytes())
        finish(stream, shape, dtype)


def rows(top: int, bottom: int, width: int) -> np.ndarray:
    down, across = np.mgrid[top:bottom, 0:width].astype(np.uint32)
    mixed = (down * 2654435761 ^ across * 40503) >> 7
    slope = (down // 64 + across // 32) & 127
    return np.stack([(slope + (mixed >> shift & 127)) for shift in (0, 5, 9)], axis=2).astype(
        np.uint8
    )


def run(source: Path, target: Path, *options: str) -> tuple[float, int]:
    """Seconds and peak bytes of resident memory of one process."""
    code = (
        "import sys; from convcli.cli.main import run;"
        "code = run(sys.argv[1:]);"
        "sys.stderr.write(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]);"
        "sys.exit(code)"
    )
    words = ["filter", str(source), "-k", KERNEL, "-q", "-o", str(target), "--force", *options]
    started = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - started
    if ended.returncode:
        sys.exit(ended.stderr)
    return took, int(ended.stderr.split()[-1]) * 1024


def main() -> None:
    megapixels = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    width = 32_768
    height = -(-megapixels * 1_000_000 // width)
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name)
        make(folder / "large.tif", height, width)
        make(folder / "small.tif", 3000, 4000)
        bands = ("--max-memory", "1")
        small = [
            run(folder / "small.tif", folder / "small.out.tif", *how) for how in [(), bands] * 3
        ]
        took, peak = run(folder / "large.tif", folder / "large.out.tif")
        size = height * width / 1e6
        whole, banded = (median(one[0] for one in small[place::2]) / 12 for place in (0, 1))
        print(
            f"{size:,.0f} megapixels: {took:.1f} s, {1000 * took / size:.1f} ms a megapixel, peak {peak / 2**20:,.0f} MiB"
        )
        print(
            f"12 megapixels whole: {1000 * whole:.1f} ms a megapixel, in bands: {1000 * banded:.1f}, start-up included"
        )
        print(f"ratio to whole {took / size / whole:.2f}, to bands {took / size / banded:.2f}")
        out = np.memmap(
            folder / "large.out.tif",
            np.uint8,
            "r",
            8 if height * width * 3 < 2**32 - 2**24 else 16,
            (height, width, 3),
        )
        seams = out_of_core.BAND_SAMPLES // (width * 3)
        for top in (0, seams, 2 * seams, height // 2, height - 40):
            first, last = max(0, top - 20), min(height, top + 40)
            expected = filter_picture(
                Picture(rows(first, last, width), False, "TIFF", {}), FilterSpec((kernel(KERNEL),))
            ).pixels
            inner = slice(first + (first > 0), last - (last < height))
            np.testing.assert_array_equal(
                out[inner], expected[inner.start - first : len(expected) - (last - inner.stop)]
            )
        print("rows at the ends, at seams and in the middle are those of the whole picture")


if __name__ == "__main__":
    main()
