"""What samples mean: linear light by the curve of a file, inks by their profile."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from convcli.cli.main import run
from convcli.errors import UnfitError
from convcli.images.filters.light import SRGB, TRANSFERS, curves_of
from convcli.images.image import Picture
from convcli.images.io.read import open_picture


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def profile(space, tags, pcs=b"XYZ "):
    """An ICC profile of tags, which may share their data (ICC.1:2022, 7)."""
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\4\0\0\0", b"mntr" + space + pcs, b"acsp"
    head[68:80] = struct.pack(">3l", 63190, 65536, 54061)  # D50
    table, data, start = b"", b"", 132 + 12 * len(tags)
    for name, body in tags.items():
        table += struct.pack(">4sLL", name, start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head[0:4] = struct.pack(">L", start + len(data))
    return bytes(head) + struct.pack(">L", len(tags)) + table + data


def para(kind, *values):
    numbers = (round(value * 65536) for value in values)
    return b"para\0\0\0\0" + struct.pack(f">HH{len(values)}l", kind, 0, *numbers)


def curv(*values):
    return b"curv\0\0\0\0" + struct.pack(f">L{len(values)}H", len(values), *values)


def rgb(*curves):
    return profile(b"RGB ", dict(zip((b"rTRC", b"gTRC", b"bTRC"), curves, strict=True)))


def curves(colors=3, **metadata):
    pixels = np.zeros((1, 1, colors), np.uint8)
    return curves_of(Picture(pixels, False, "PNG", metadata), colors)


V = np.array([0, 0.02, 0.25, 0.5, 0.75, 1])
SRGB_NUMBERS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (curv(), V),
        (curv(int(1.75 * 256)), V**1.75),
        (para(0, 2.25), V**2.25),
        (para(1, 2, 1.25, -0.25), np.maximum(1.25 * V - 0.25, 0) ** 2),
        (para(2, 2, 0.75, -0.25, 0.25), np.maximum(0.75 * V - 0.25, 0) ** 2 + 0.25),
        (para(3, *SRGB_NUMBERS), SRGB.light(V)),
        (para(4, 2, 0.5, 0.25, 0.5, 0.375, 0.25, 0.125),
         np.where(V >= 0.375, (0.5 * V + 0.25) ** 2 + 0.25, 0.5 * V + 0.125)),
        (curv(0, 16384, 65535), np.interp(V, [0, 0.5, 1], [0, 16384 / 65535, 1])),
    ],
)  # fmt: skip
def test_light_is_what_the_curve_of_a_profile_says(data, expected):
    (curve,) = curves(icc_profile=rgb(data, data, data))
    np.testing.assert_allclose(curve.light(V), expected, atol=2e-5)
    rises = expected > expected[0]
    np.testing.assert_allclose(curve.samples(curve.light(V))[rises], V[rises], atol=1e-4)


def test_the_curve_of_littlecms_own_srgb_is_ours():
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (curve,) = curves(icc_profile=own)
    every = np.linspace(0, 1, 256)
    np.testing.assert_allclose(curve.light(every), SRGB.light(every), atol=1e-5)
    np.testing.assert_allclose(curve.samples(SRGB.light(every)), every, atol=1e-5)


@pytest.mark.parametrize(
    ("transfer", "sample", "light"),
    [  # ITU-R BT.709, item 1.2; BT.2390, 10,000 cd/m² at 1, of which 100 are at 0.508078
        (1, 0.409007728864150, 0.18),
        (6, 0.045, 0.01),
        (4, 0.5, 0.5**2.2),
        (8, 0.5, 0.5),
        (13, 0.5, 0.214041140482232),
        (16, 0.508078421517399, 0.01),
        (17, 0.5, 0.5**2.6),
    ],
)
def test_light_is_what_transfer_characteristics_say(transfer, sample, light):
    chunks = {b"cICP": bytes([9, transfer, 0, 1]), b"gAMA": struct.pack(">L", 100_000)}
    (curve,) = curves(color_chunks=chunks, icc_profile=b"which counts less")
    near = 1e-3 if transfer in (1, 6) else 1e-6  # H.273 has more digits of 1.099 and 0.018
    assert float(curve.light(np.float64(sample))) == pytest.approx(light, rel=near)
    assert float(curve.samples(np.float64(light))) == pytest.approx(sample, rel=near)


def test_every_curve_comes_back():
    every = np.linspace(0, 1, 1001)
    for curve in TRANSFERS.values():
        np.testing.assert_allclose(curve.samples(curve.light(every)), every, atol=1e-6)


LINEAR, SQUARE = curv(), para(0, 2)


@pytest.mark.parametrize(
    ("data", "colors", "said"),
    [
        (profile(b"CMYK", {}), 3, "of 'CMYK', has no curves of 3 colors"),
        (profile(b"GRAY", {b"kTRC": LINEAR}), 3, "of 'GRAY', has no curves of 3 colors"),
        (rgb(LINEAR, LINEAR, SQUARE), 1, "has no curves of 1 color"),
        (profile(b"RGB ", {b"A2B0": b""}), 3, "has no curves"),
        (rgb(curv(9, 5), curv(9, 5), curv(9, 5)), 3, "has no curves"),
        (rgb(LINEAR, LINEAR, b"scrambled"), 3, "has no curves"),
        (rgb(LINEAR, LINEAR, SQUARE)[:150], 3, "has no curves"),
        (b"profile", 3, "has no curves"),
    ],
)
def test_light_that_is_not_known_is_refused(data, colors, said):
    with pytest.raises(UnfitError, match=said):
        curves(colors, icc_profile=data)
    with pytest.raises(UnfitError, match="characteristics 18"):
        curves(color_chunks={b"cICP": bytes([9, 18, 0, 1])})


def test_linear_filters_the_light_of_each_color():
    checker = np.zeros((2, 2, 3), np.uint8)
    checker[0, 0] = checker[1, 1] = 255
    Image.fromarray(checker).save("in.png", icc_profile=rgb(LINEAR, SQUARE, para(0, 4)))
    mean = ["-k", "1/4 1/4; 1/4 1/4", "--border", "valid", "--linear", "--force"]
    assert run(["filter", "in.png", *mean, "-o", "out.png"]) == 0
    # half of the light: samples are that, its root, and its fourth root
    assert open_picture("out.png").pixels.tolist() == [[[128, 180, 214]]]
    assert run(["filter", "in.png", *mean[:2], "--border", "constant:9", "--linear",
                "-o", "b.png"]) == 1  # fmt: skip
    Image.fromarray(checker).save("in.png", icc_profile=rgb(SQUARE, SQUARE, SQUARE))
    for words in (["--gray"], ["--channels", "luma"]):
        assert run(["filter", "in.png", *mean, *words, "-o", "out.png"]) == 0
        assert set(open_picture("out.png").pixels.flat) == {180}


def test_a_profile_of_colors_is_said_to_be_left_out_of_gray(capfd):
    Image.new("RGB", (4, 4)).save("in.png", icc_profile=rgb(LINEAR, LINEAR, LINEAR))
    assert run(["filter", "in.png", "-k", "blur", "--gray", "-o", "out.png", "-q"]) == 0
    assert "its color profile is left out: it does not describe gray" in capfd.readouterr().err
    assert "icc_profile" not in open_picture("out.png").metadata


def lightness_of_inks():
    """A profile of inks by a table: L* is 100 for none, 50 for cyan alone, 0 for all else."""
    ramp = bytes(range(256))
    table = b"".join(
        bytes([{0: 255, 8: 128}.get(node, 0), 128, 128])
        for node in range(16)  # c m y k
    )
    matrix = struct.pack(">9l", *(65536 * (place % 4 == 0) for place in range(9)))
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix
    return profile(b"CMYK", {b"A2B0": head + 4 * ramp + table + 3 * ramp}, b"Lab ")


@pytest.mark.parametrize(
    ("data", "cyan", "said"),
    [
        (lightness_of_inks(), (119, 119, 119), "converted to sRGB by its color profile"),
        (b"scrambled", (0, 255, 255), "without a profile"),
        (None, (0, 255, 255), "without a profile"),
    ],
)
def test_inks_become_rgb_by_their_profile_where_there_is_no_room_for_them(capfd, data, cyan, said):
    inks = np.zeros((4, 6, 4), np.uint8)
    inks[:, 3:, 0] = 255
    image = Image.frombytes("CMYK", (6, 4), inks.tobytes())
    image.save("in.tif", **({"icc_profile": data} if data else {}))
    assert run(["filter", "in.tif", "-k", "identity", "-o", "out.png", "-q"]) == 0
    assert said in capfd.readouterr().err
    found = open_picture("out.png").pixels
    np.testing.assert_allclose(found[0, [0, 5]].astype(int), [(255, 255, 255), cyan], atol=1)
    alone = open_picture("in.tif")  # as `extract` reads it
    np.testing.assert_array_equal(alone.pixels, found)
    assert said in alone.notes[0]
    assert run(["filter", "in.tif", "-k", "identity", "-o", "out.tif", "-q"]) == 0
    assert capfd.readouterr().err == ""
    np.testing.assert_array_equal(open_picture("out.tif", every_kind=True).pixels, inks)


def test_the_colors_that_an_avif_names_are_said_and_kept(capfd):
    with BytesIO() as stream:
        Image.new("RGB", (16, 16), (200, 100, 50)).save(stream, "AVIF", quality=100)
        data = stream.getvalue()
    place = data.index(b"colrnclx")
    wide = data[: place + 8] + bytes([0, 9, 0, 16]) + data[place + 12 :]
    with open("in.avif", "wb") as file:
        file.write(wide)
    assert run(["filter", "in.avif", "-k", "blur", "-o", "out.avif", "-q"]) == 0
    assert "AVIF does not hold the color space 9, 16 (cICP)" in capfd.readouterr().err
    assert run(["filter", "in.avif", "-k", "blur", "-o", "out.png", "-q"]) == 0
    assert capfd.readouterr().err == ""
    chunks = open_picture("out.png").metadata["color_chunks"]
    assert chunks == {b"cICP": bytes([9, 16, 0, 1])}
