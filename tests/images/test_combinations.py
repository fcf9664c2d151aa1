"""Every engine × alpha mode × depth × border × range × writer on tiny pictures: the oracle's fractions."""

from fractions import Fraction
from io import BytesIO
from math import lcm
from typing import NamedTuple

import numpy as np
import pytest
from oracle import differences, percentile, premultiplied, responses, root
from PIL import Image

from convcli.borders import Border
from convcli.images.engines import gaussian_grid
from convcli.images.filters import plan
from convcli.images.filters.apply import filter_picture, filter_to
from convcli.images.filters.plan import plan_filter
from convcli.images.filters.spec import FilterSpec, read_range
from convcli.images.image import Picture
from convcli.images.io.formats import Target
from convcli.images.kernels.parse import kernel

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(3)
SAVED = ";".join(" ".join(f"{tap:.18e}" for tap in row) for row in RNG.normal(size=(3, 3)))
"""A matrix as `np.savetxt` writes it: 17 digits that count, and two more."""

# how it is computed → kernel, and its gain under the range auto by hand, where a full step is white:
# the right column of sobel-x sums to 1 + 2 + 1
KERNELS = {
    "sums in 16 bits": ("blur", 1),
    "sums in 16, then 32 bits": ("binomial:9", 1),
    "banded matrices": ("gaussian:3", 1),
    "Fourier transforms": ("random:15,seed=2", 1),
    "running sums": ("box:15", 1),
    "a coarser grid": ("gaussian:5", 1),
    "15 decimals": ("0.123456789012345 1 0", 1),
    "digits of 64 bits": ("123456789012345678901234567890 1e-20; 1 -1", 1),
    "17 digits": (SAVED, 1),
    "17 digits of sum 0": ("-0.12345678901234567 0 0.12345678901234567", Fraction(10**17, 12345678901234567)),
    "floats": (RNG.normal(size=(3, 3)), 1),
    "floats of sum 0": (np.array([[-0.1, 0, 0.1]]), 1 / Fraction(0.1)),
    "a magnitude": ("sobel", Fraction(1, 4)),
    "a maximum": ("kirsch", Fraction(1, 15)),
    "a difference": ("sobel-x", Fraction(1, 4)),
    "a sum of parts": ("unsharp:0.5", 1),
    "a sum of parts of sum 0": ("high-pass:1", 1),
    "a negative sum": ("1 -3 1", 1),
}  # fmt: skip

BORDERS = [Border("edge"), Border("constant", 9)]
RANGES = ["auto", "clip", "abs", "signed", "stretch", "pct:10,80"]

# depth, alpha → the writers of such pictures that lose nothing, and JPEG
WRITERS = {
    ("uint8", "none"): "png tif ppm bmp jpg npy npz pfm",
    ("uint8", "opaque"): "png tif ppm bmp jpg npy npz pfm",
    ("uint8", "transparent"): "png tif npy npz",
    ("uint8", "each"): "png tif npy npz",
    ("uint16", "none"): "png tif pgm npy npz pfm",
    ("uint16", "opaque"): "pgm npy npz pfm",
    ("uint16", "transparent"): "npy npz",
    ("uint16", "each"): "npy npz",
    ("float32", "none"): "tif npy npz pfm",
}

FLOATS = ("npy", "npz", "pfm")


def tiny(depth, alpha):
    """6 × 7 pixels, RGB of 8 bits or grey; some are hidden where they are transparent, some opaque."""
    rng, colours = np.random.default_rng(1), 3 if depth == "uint8" else 1
    if depth == "float32":
        return rng.normal(100, 50, (6, 7, 1)).astype(depth)
    full = int(np.iinfo(depth).max)
    pixels = rng.integers(0, full + 1, (6, 7, colours + (alpha != "none"))).astype(depth)
    if alpha == "opaque":
        pixels[..., -1] = full
    elif alpha != "none":
        pixels[..., -1] = np.where(pixels[..., -1] < full // 3, 0, pixels[..., -1])
        pixels[2:4, 1:5, -1] = full
    return pixels


class Fractions(NamedTuple):
    """An array of fractions: whole numbers of any size, over one."""

    numbers: np.ndarray
    over: int

    @classmethod
    def of(cls, values):
        values = np.asarray(values, object)
        over = lcm(*(value.denominator for value in values.flat))
        parts = [value.numerator * (over // value.denominator) for value in values.flat]
        return cls(np.array(parts, object).reshape(values.shape), over)

    def __abs__(self):
        return self._replace(numbers=abs(self.numbers))

    def scaled(self, factor, offset=0):
        """value · factor + offset."""
        factor, offset = Fraction(factor), Fraction(offset)
        numbers = self.numbers * (factor.numerator * offset.denominator)
        numbers = numbers + offset.numerator * factor.denominator * self.over
        return Fractions(numbers, self.over * factor.denominator * offset.denominator)

    def rounded(self, full, off=0):
        """⌊value + ½ + off⌋ in 0 … full."""
        numbers, over = self.scaled(1, off + Fraction(1, 2))
        return np.clip(numbers // over, 0, full).astype(np.int64)

    def floats(self):
        return (self.numbers / self.over).astype(float)


class Truth:
    """The true responses of a kernel in fractions, and how opaque the result is."""

    def __init__(self, pixels, alpha, one, border, gain):
        self.kernel, self.gain = one, gain
        self.full = int(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 0
        planes = [pixels[..., channel].tolist() for channel in range(pixels.shape[2])]
        fill, self.opacity = int(border.value), None
        if alpha == "transparent":
            way = premultiplied if one.linear and one.sum else differences
            *colours, cover = planes
            found = [way(x, cover, one, border.name, self.full, fill) for x in colours]
            grids, self.opacity = (
                [grids for grids, _ in found],
                Fractions.of(found[0][1]).rounded(self.full),
            )
        else:
            grids = [
                responses(x, one, border.name, fill)
                for x in planes[: -1 if alpha == "opaque" else None]
            ]
        self.seen = np.ones((6, 7), bool) if self.opacity is None else self.opacity > 0
        parts = np.array(grids, object).transpose(2, 3, 0, 1)[self.seen]  # (place, channel, part)
        if one.combine == "magnitude":
            values = np.vectorize(root, otypes="O")((parts * parts).sum(-1) * Fraction(1))
        else:
            values = parts.max(-1)
        self.values = Fractions.of(values)
        self.sorted = sorted(self.values.numbers.flat)
        self.channels = values.shape[1]

    def ranged(self, name):
        """The true values in units of samples, as the README defines the range."""
        # gradients and sums of 0 or less lose their sign, but not what has none by itself
        signed = self.kernel.combine not in ("magnitude", "maximum")
        folded = signed and (self.gain != 1 or self.kernel.sum <= 0)
        match name:
            case "auto":
                return (abs(self.values) if folded else self.values).scaled(self.gain)
            case "clip" | "abs":
                return abs(self.values) if name == "abs" else self.values
            case "signed":
                middle = Fraction(self.full + 1, 2) if self.full else 0
                return self.values.scaled(Fraction(self.gain) / 2, middle)
        low, high = (
            Fraction(percentile(self.sorted, p)) / self.values.over
            for p in ((0, 100) if name == "stretch" else (10, 80))
        )
        if low == high:
            return self.values
        factor = Fraction(self.full or 255) / (high - low)
        return self.values.scaled(factor, -low * factor)


def read(path, dtype):
    """The samples of a file (h, w, c), read by NumPy and Pillow alone."""
    data = path.read_bytes()
    if path.suffix == ".npz":
        found = np.load(path)["response"]
    elif path.suffix == ".npy":
        found = np.load(path)
    elif path.suffix in (".pfm", ".pgm", ".ppm"):
        stored = np.dtype("<f4") if path.suffix == ".pfm" else np.dtype(dtype).newbyteorder(">")
        channels = 3 if data[:2] in (b"PF", b"P6") else 1
        found = np.frombuffer(data[-42 * channels * stored.itemsize :], stored).reshape(
            6, 7, channels
        )
        found = found[::-1] if path.suffix == ".pfm" else found
    else:
        with Image.open(path) as image:
            found = np.asarray(image)
    return found.reshape(6, 7, -1)


@pytest.mark.parametrize(("depth", "alpha"), WRITERS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_combination_is_the_oracle(monkeypatch, tmp_path, name, depth, alpha):
    monkeypatch.setattr(gaussian_grid, "MIN_PIXELS", 1)
    monkeypatch.setattr(plan, "STREAMED_SAMPLES", 1)
    (spec, gain), pixels = KERNELS[name], tiny(depth, alpha)
    one, given = kernel(spec), Picture(pixels, alpha != "none", "PNG", {})
    for number, border in enumerate(BORDERS):
        truth = Truth(pixels, alpha, one, border, gain)
        for turn, range_ in enumerate(RANGES):
            wanted = FilterSpec(
                (one,),
                border,
                range=read_range(range_),
                channels="each" if alpha == "each" else "rgb",
            )
            array = filter_picture(given, wanted, 1).pixels
            assert_samples(array, truth, range_, name, depth)
            # a writer sees every range, with one of the borders
            for writer in WRITERS[depth, alpha].split() if turn % 2 == number else ():
                if writer in FLOATS and range_ not in ("auto", "abs"):
                    continue  # they hold responses: others are the same, or refused
                path = tmp_path / f"{number}{range_[:4]}.{writer}"
                filter_to(given, plan_filter(given.header, wanted, Target(str(path))), 1)
                found = read(path, array.dtype)
                if writer in FLOATS:
                    values = abs(truth.values) if range_ == "abs" else truth.values
                    assert_close(found[truth.seen][:, : truth.channels], values, 1e-6)
                elif writer == "jpg":
                    stream = BytesIO()
                    Image.fromarray(array[..., :3]).save(
                        stream, "JPEG", quality=95, subsampling="4:4:4"
                    )
                    with Image.open(stream) as image:
                        np.testing.assert_array_equal(found, np.asarray(image))
                else:
                    np.testing.assert_array_equal(found, array[..., : found.shape[2]])


def assert_samples(array, truth, range_, name, depth):
    """Each sample is its true value rounded half up and clipped, exactly but where floats are used."""
    true, looks_first = truth.ranged(range_), range_ in ("stretch", "pct:10,80")
    samples = array[truth.seen][:, : truth.channels]
    if depth == "float32" and not looks_first:
        return assert_close(samples, true, 1e-6)
    full, off = truth.full or 255, Fraction(0)
    if looks_first:
        off = Fraction(2 * full, 2**20 if depth == "uint8" else 2**44)
    elif name == "a coarser grid" and truth.opacity is None:
        # beside the grid's 0.5 of 16 bits stand the weights of the kernel, rounded to 2⁻¹⁸ an axis
        off = Fraction(1, 100) if depth == "uint8" else Fraction(1)
    elif not truth.kernel.exact:
        off = Fraction(1, 2**36)
    least = true.rounded(full, -off)
    assert (least <= samples).all(), range_
    assert (samples <= (true.rounded(full, off) if off else least)).all(), range_
    if truth.opacity is not None:
        np.testing.assert_array_equal(array[..., -1], truth.opacity)
    return None


def assert_close(found, true, tolerance):
    true = true.floats()
    np.testing.assert_allclose(found, true, rtol=tolerance, atol=tolerance * np.abs(true).max())
