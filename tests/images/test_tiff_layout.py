"""TIFFs that Pillow's modes do not hold: read as their tags say, or refused in these words."""

import struct
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from convcli.errors import PictureError
from convcli.images.filters.out_of_core import reads_in_bands
from convcli.images.io.read import open_picture
from convcli.images.io.source import read_header
from convcli.images.io.tiff_layout import layout_of

RANDOM = np.random.default_rng(11)
DEEP = RANDOM.integers(0, 65536, (20, 21, 3), dtype=np.uint16)
UNSIGNED, SIGNED, FLOAT = 1, 2, 3


def tiff_of(data, size, channels, bits, order="<", **tags):
    """A TIFF of strips or tiles of bytes, whose tags have names."""
    height, width = size
    numbers = {"photometric": 262, "format": 339, "planes": 284, "compression": 259,
               "predictor": 317, "extra": 338, "orientation": 274, "rows": 278,
               "tile_width": 322, "tile_height": 323, "fill_order": 266}  # fmt: skip
    offsets, place = [], 8
    for part in data:
        offsets.append(place)
        place += len(part)
    tiled = "tile_width" in tags
    values = {256: [width], 257: [height], 258: [bits] * channels, 259: [1], 262: [1],
              277: [channels], 324 if tiled else 273: offsets,
              325 if tiled else 279: [len(part) for part in data]}  # fmt: skip
    if not tiled:
        values[278] = [height]
    for name, value in tags.items():
        values[numbers[name]] = [value] * (channels if name == "format" else 1)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", place)
    beyond, entries, after = b"", b"", place + 2 + 12 * len(values) + 4
    for tag, several in sorted(values.items()):
        packed = struct.pack(f"{order}{len(several)}L", *several)
        if len(several) > 1:
            beyond, packed = beyond + packed, struct.pack(f"{order}L", after + len(beyond))
        entries += struct.pack(f"{order}HHL", tag, 4, len(several)) + packed
    return (
        head + b"".join(data) + struct.pack(f"{order}H", len(values)) + entries + bytes(4) + beyond
    )


def read(tmp_path, *args, **tags):
    (tmp_path / "in.tif").write_bytes(tiff_of(*args, **tags))
    return open_picture(str(tmp_path / "in.tif"), every_kind=True)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflated", [False, True])
def test_separate_planes(tmp_path, order, deflated):
    planes = [DEEP[..., k].astype(f"{order}u2").tobytes() for k in range(3)]
    data = list(map(zlib.compress, planes)) if deflated else planes
    codec = 8 if deflated else 1
    words = {"photometric": 2, "planes": 2, "compression": codec}
    picture = read(tmp_path, data, (20, 21), 3, 16, order, **words)
    np.testing.assert_array_equal(picture.pixels, DEEP)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "u4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_color_of_numbers(tmp_path, dtype, order):
    values = (DEEP.astype(np.int64) - 30_000).astype(dtype)
    kind = {"f": FLOAT, "i": SIGNED, "u": UNSIGNED}[dtype[0]]
    data = values.astype(f"{order}{dtype}").tobytes()
    picture = read(
        tmp_path, [data], (20, 21), 3, 8 * int(dtype[1]), order, photometric=2, format=kind
    )
    np.testing.assert_array_equal(picture.pixels, values)
    assert picture.pixels.dtype == (np.float32 if dtype in ("f2", "f4") else np.float64)


@pytest.mark.parametrize("bits", [6, 9, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_any_bits_are_scaled(tmp_path, bits, channels):
    values = (DEEP >> (16 - bits))[..., :channels]
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    rows = []
    for row in values.reshape(20, -1):
        text = "".join(f"{v:0{bits}b}" for v in row)
        rows.append(int(text + "0" * (-len(text) % 8), 2).to_bytes(-(-len(text) // 8), "big"))
    photometric = 2 if channels == 3 else 1
    picture = read(tmp_path, [b"".join(rows)], (20, 21), channels, bits, photometric=photometric)
    full = 255 if bits <= 8 else 65535
    exact = values * (full / (2**bits - 1))
    np.testing.assert_allclose(picture.pixels, exact, rtol=0, atol=0.5)
    assert (picture.pixels.min(), picture.pixels.max()) == (0, full)


def test_gray_with_alpha_in_tiles_with_a_predictor(tmp_path):
    samples = DEEP[..., :2]
    padded = np.pad(samples, ((0, 12), (0, 11), (0, 0)))
    tiles = []
    for top in (0, 16):
        for left in (0, 16):
            tile = padded[top : top + 16, left : left + 16]
            steps = np.diff(tile, axis=1, prepend=np.zeros((16, 1, 2), np.uint16))
            tiles.append(zlib.compress(steps.astype("<u2").tobytes()))
    words = {"compression": 8, "predictor": 2, "tile_width": 16, "tile_height": 16, "extra": 2}
    picture = read(tmp_path, tiles, (20, 21), 2, 16, **words)
    assert picture.has_alpha
    np.testing.assert_array_equal(picture.pixels, samples)


def test_the_predictor_of_floats(tmp_path):
    values = DEEP.astype(np.float32) / 7
    rows = values.astype(">f4").view(np.uint8).reshape(20, 63, 4).transpose(0, 2, 1)
    flat = rows.reshape(20, -1, 3)
    steps = np.diff(flat, axis=1, prepend=np.zeros((20, 1, 3), np.uint8))
    words = {"photometric": 2, "format": FLOAT, "compression": 8, "predictor": 3}
    picture = read(tmp_path, [zlib.compress(steps.tobytes())], (20, 21), 3, 32, **words)
    np.testing.assert_array_equal(picture.pixels, values)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_upright(tmp_path, orientation):
    up = {
        1: DEEP, 2: DEEP[:, ::-1], 3: DEEP[::-1, ::-1], 4: DEEP[::-1],
        5: DEEP.transpose(1, 0, 2), 6: np.rot90(DEEP, -1),
        7: DEEP[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(DEEP),
    }  # fmt: skip
    planes = [DEEP[..., k].astype("<u2").tobytes() for k in range(3)]
    words = {"photometric": 2, "planes": 2, "orientation": orientation}
    picture = read(tmp_path, planes, (20, 21), 3, 16, **words)
    np.testing.assert_array_equal(picture.pixels, up[orientation])


def test_min_is_white_of_either_byte_order(tmp_path):
    gray = DEEP[..., :1]
    for order in "<>":
        data = (65535 - gray).astype(f"{order}u2").tobytes()
        picture = read(tmp_path, [data], (20, 21), 1, 16, order, photometric=0)
        np.testing.assert_array_equal(picture.pixels, gray)


def packed_bits(data):
    """Bytes as PackBits has them, none repeated (TIFF 6.0, section 9)."""
    parts = (data[place : place + 128] for place in range(0, len(data), 128))
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


@pytest.mark.parametrize("dtype", ["f4", "i2", "u4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_color_of_numbers_is_unpacked_by_libvips(tmp_path, dtype, order):
    pytest.importorskip("pyvips")
    values = (DEEP.astype(np.int64) - 30_000).astype(dtype)
    rows = [packed_bits(row.astype(f"{order}{dtype}").tobytes()) for row in values]
    words = {"photometric": 2, "compression": 32773, "rows": 1}
    words["format"] = {"f": FLOAT, "i": SIGNED, "u": UNSIGNED}[dtype[0]]
    picture = read(tmp_path, rows, (20, 21), 3, 8 * int(dtype[1]), order, **words)
    np.testing.assert_array_equal(picture.pixels, values)
    with pytest.raises(PictureError, match="cannot be unpacked"):
        read(tmp_path, [row[:9] for row in rows], (20, 21), 3, 8 * int(dtype[1]), order, **words)


def test_the_extra_that_unpacks_is_named_where_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr("convcli.images.io.tiff_layout.find_spec", lambda name: None)
    words = {"photometric": 2, "compression": 5, "format": FLOAT}
    with pytest.raises(PictureError, match=r"pip install 'convcli\[large\]', or tiffcp -c none"):
        read(tmp_path, [bytes(50)], (20, 21), 3, 32, **words)


def test_what_libvips_may_not_unpack_is_not_read_in_bands(tmp_path):
    for compression, name in ((32773, "packbits"), (50000, "zstd")):
        Image.fromarray(DEEP[..., 0]).save(tmp_path / f"{name}.tif", compression=name)
        header = read_header(path := str(tmp_path / f"{name}.tif"))
        with open(path, "rb") as stream:
            assert layout_of(stream).compression == compression
        expected = find_spec("pyvips") is not None and name == "packbits"
        assert reads_in_bands(path, header) == expected


REFUSED = {
    "compressed by Zstandard": (3, {"compression": 50000, "photometric": 2, "planes": 2}),
    "-colorspace sRGB": (1, {"photometric": 9}),
    "with predictor 2": (3, {"format": FLOAT, "predictor": 2, "photometric": 2}),
    "its white level is unknown": (1, {"format": FLOAT, "photometric": 0}),
    "samples of format 6": (1, {"format": 6}),
}


@pytest.mark.parametrize("text", REFUSED)
def test_all_else_is_refused_in_words(tmp_path, text):
    channels, words = REFUSED[text]
    with pytest.raises(PictureError, match=text):
        read(tmp_path, [DEEP.tobytes()], (20, 21), channels, 16, **words)


PLANES = [DEEP[..., k].tobytes() for k in range(3)]
DAMAGED = {
    "it ends before its samples do": ([zlib.compress(bytes(50))] * 3, {"compression": 8}),
    "has tiles of 131072x131072": (PLANES, {"tile_width": 2**17, "tile_height": 2**17}),
    "it has 1 strips or tiles, not 3": (PLANES[:1], {}),
}


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_one_is_refused(tmp_path, text):
    data, words = DAMAGED[text]
    with pytest.raises(PictureError, match=text):
        read(tmp_path, data, (20, 21), 3, 16, photometric=2, planes=2, **words)


@pytest.mark.parametrize("dtype", ["i2", "i4", "f4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_deflated_gray_of_either_byte_order(tmp_path, dtype, order):
    """libtiff unpacks into the order of the machine, whatever that of the file is."""
    values = (DEEP[..., :1].astype(np.int64) - 30_000).astype(dtype)
    kind = FLOAT if dtype == "f4" else SIGNED
    data = zlib.compress(values.astype(f"{order}{dtype}").tobytes())
    bits = 8 * int(dtype[1])
    picture = read(tmp_path, [data], (20, 21), 1, bits, order, format=kind, compression=8)
    np.testing.assert_array_equal(picture.pixels, values)
