"""16-bit color in and out: every sample of a PNG or TIFF as it stands in the file."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from convcli.errors import OutputError
from convcli.images.filters.apply import filter_picture
from convcli.images.image import Picture
from convcli.images.io.png import chunks_of
from convcli.images.io.read import open_picture
from convcli.images.io.write import write_picture
from convcli.images.kernels.parse import kernel

RANDOM = np.random.default_rng(5)
RGBA = RANDOM.integers(0, 65536, (11, 13, 4), dtype=np.uint16)
RGBA[2, 3] = 0
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def png_of(samples, extra=(), interlaced=False):
    """A PNG of 16 bits, byte by byte; interlaced in the seven passes of Adam7."""
    height, width, channels = samples.shape
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2),
                  (0, 1, 2, 2), (1, 0, 2, 1)]  # fmt: skip
    rows = b"".join(
        b"\0" + row.astype(">u2").tobytes()
        for top, left, down, across in passes
        for row in samples[top::down, left::across]
        if row.size
    )
    head = struct.pack(">LLBBBBB", width, height, 16, COLOR_TYPES[channels], 0, 0, int(interlaced))
    chunks = [(b"IHDR", head), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_is_read_as_it_was_written(tmp_path, channels, interlaced):
    samples = RGBA[..., :channels]
    (tmp_path / "in.png").write_bytes(png_of(samples, interlaced=interlaced))
    picture = open_picture(str(tmp_path / "in.png"))
    np.testing.assert_array_equal(picture.pixels, samples)
    assert (picture.has_alpha, picture.notes) == (channels in (2, 4), ())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_color_is_compared_in_all_its_bits(tmp_path, channels):
    samples = RGBA[..., :channels].copy()
    samples[4, 5] = samples[7, 7] ^ 1  # the same in 8 bits
    key = struct.pack(f">{channels}H", *map(int, samples[7, 7]))
    (tmp_path / "in.png").write_bytes(png_of(samples, [(b"tRNS", key)]))
    picture = open_picture(str(tmp_path / "in.png"))
    np.testing.assert_array_equal(picture.pixels[..., :-1], samples)
    assert np.argwhere(picture.pixels[..., -1] == 0).tolist() == [[7, 7]]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_what_is_written_is_read_again(tmp_path, channels, suffix):
    metadata = {"dpi": (300, 300), "icc_profile": b"profile"}
    picture = Picture(RGBA[..., :channels], channels != 3, "PNG", metadata)
    target = str(tmp_path / f"out{suffix}")
    write_picture(picture, target)
    if suffix == ".tif" and channels == 2:
        with open(target, "rb") as stream:
            assert RGBA[..., :2].astype("<u2").tobytes() in stream.read()
        return
    again = open_picture(target)
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert again.metadata["icc_profile"] == b"profile"
    assert round(again.metadata["dpi"][0]) == 300


def test_the_filters_of_a_png_suit_its_rows(tmp_path):
    ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) * 5
    write_picture(Picture(ramp, False, "PNG", {}), str(tmp_path / "out.png"))
    data = dict(chunks_of((tmp_path / "out.png").read_bytes()))[b"IDAT"]
    assert len(data) < ramp.nbytes / 40
    np.testing.assert_array_equal(open_picture(str(tmp_path / "out.png")).pixels, ramp)


def tiff_of(samples, order, photometric=2, extra=(), planes=1):
    """A TIFF of one strip, byte by byte."""
    height, width, channels = samples.shape
    data = samples.astype(f"{order}u2").tobytes()
    tags = [(256, [width]), (257, [height]), (258, [16] * channels), (259, [1]),
            (262, [photometric]), (273, [8]), (277, [channels]), (278, [height]),
            (279, [len(data)]), (284, [planes]), (338, list(extra))]  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", 8 + len(data))
    tags = [(tag, values) for tag, values in tags if values]
    place, entries, beyond = 8 + len(data) + 2 + 12 * len(tags) + 4, b"", b""
    for tag, values in tags:
        packed = struct.pack(f"{order}{len(values)}L", *values)
        if len(values) > 1:
            beyond, packed = beyond + packed, struct.pack(f"{order}L", place + len(beyond))
        entries += struct.pack(f"{order}HHL", tag, 4, len(values)) + packed
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + beyond


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("channels", "extra"), [(3, ()), (4, (2,)), (4, (0,))])
def test_a_tiff_is_read_as_it_was_written(tmp_path, order, channels, extra):
    (tmp_path / "in.tif").write_bytes(tiff_of(RGBA[..., :channels], order, extra=extra))
    picture = open_picture(str(tmp_path / "in.tif"))
    read = 4 if extra == (2,) else 3
    np.testing.assert_array_equal(picture.pixels, RGBA[..., :read])
    assert picture.has_alpha == (read == 4)


def test_premultiplied_color_is_divided(tmp_path):
    samples = np.array([[[100, 200, 300, 400], [0, 0, 0, 0], [9, 8, 7, 65535]]], np.uint16)
    (tmp_path / "in.tif").write_bytes(tiff_of(samples, "<", extra=(1,)))
    expected = [[16384, 32768, 49151, 400], [0, 0, 0, 0], [9, 8, 7, 65535]]
    assert open_picture(str(tmp_path / "in.tif")).pixels[0].tolist() == expected


def test_pages_of_sixteen_bit_color(tmp_path):
    pages = Picture(RGBA, True, "TIFF", {}, frames=(RGBA[::-1], RGBA[:3]))
    write_picture(pages, str(tmp_path / "out.tif"))
    again = open_picture(str(tmp_path / "out.tif"), every_kind=True)
    for page, expected in zip(
        (again.pixels, *again.frames), (RGBA, RGBA[::-1], RGBA[:3]), strict=True
    ):
        np.testing.assert_array_equal(page, expected)
    assert again.notes == ()
    with pytest.raises(OutputError, match="PNG frames of 16-bit color are not written"):
        write_picture(pages._replace(frames=(RGBA[::-1],)), str(tmp_path / "out.png"))


@pytest.mark.parametrize("name", ["gaussian:1.5", "sharpen", "box:5"])
def test_filters_are_the_true_value_rounded(tmp_path, name):
    rows, columns = np.mgrid[:20, :24]
    soft = np.stack([rows * 3000, columns * 2700, rows * 800 + columns * 900], -1).astype(np.uint16)
    (tmp_path / "in.png").write_bytes(png_of(soft))
    result = filter_picture(open_picture(str(tmp_path / "in.png")), kernel(name)).pixels
    ((matrix, scale),) = kernel(name).matrices()
    weights = np.array(matrix, float) * float(scale)
    edge = [(side // 2, side // 2) for side in weights.shape]
    padded = np.pad(soft.astype(float), [*edge, (0, 0)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape, (0, 1))
    exact = (windows * weights).sum(axis=(-2, -1)).clip(0, 65535)
    np.testing.assert_allclose(result, exact, rtol=0, atol=0.5 + 1e-6)


def test_pillows_reading_is_the_high_bytes(tmp_path):
    """Pillow's own reading of 16 bits, its high bytes, is the oracle that nobody here wrote."""
    (tmp_path / "in.png").write_bytes(png_of(RGBA[..., :3]))
    with Image.open(tmp_path / "in.png") as image:
        high = np.asarray(image)
    np.testing.assert_array_equal(open_picture(str(tmp_path / "in.png")).pixels >> 8, high)
