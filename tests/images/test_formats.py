"""Formats beside the common ones, and kinds of pictures that are named because they are not read."""

import os

import numpy as np
import pytest
from PIL import Image

from convcli.cli.main import run
from convcli.errors import PictureError
from convcli.images.io.decoding import sample_bits
from convcli.images.io.formats import (
    UNREAD,
    Unread,
    formats_beginning,
    readable_suffixes,
    unread_kind,
)
from convcli.images.io.read import open_picture

RAMP = np.add.outer(np.arange(40) * 3, np.arange(48) * 2).astype(np.uint8)
SOFT = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("suffix", "error"), [("jp2", 0), ("j2k", 0), ("avif", 6)])
def test_it_is_read_and_written(suffix, error):
    Image.fromarray(SOFT).save("in.png")
    assert run(["filter", "in.png", "-k", "identity", "-o", f"out.{suffix}"]) == 0
    assert run(["filter", f"out.{suffix}", "-k", "identity", "-o", "again.png"]) == 0
    again = open_picture("again.png").pixels.astype(int)
    assert np.abs(again - SOFT).max() <= error


def test_a_gray_jpeg_2000_of_sixteen_bits():
    deep = (RAMP.astype(np.uint16) * 257)[:, ::-1]
    Image.fromarray(deep).save("in.jp2")
    picture = open_picture("in.jp2")
    np.testing.assert_array_equal(picture.pixels[..., 0], deep)
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("start", "form", "bits"),
    [
        (b"....\xff\x4f\xff\x51" + bytes(38) + b"\x0b", "JPEG2000", 12),
        (b"....\xff\x4f\xff\x51" + bytes(38) + b"\x87", "JPEG2000", 8),
        (b"\xff\x4f\xff\x51", "JPEG2000", 8),
        (b"....av1C\x81\x04\x4c", "AVIF", 10),
        (b"....av1C\x81\x04\x0c", "AVIF", 8),
        (b"av1C", "AVIF", 8),
    ],
)
def test_bits_a_sample_stand_in_the_header(start, form, bits):
    assert sample_bits(start, form) == bits


@pytest.mark.parametrize(
    "kind", [kind for kind in UNREAD if kind.magic], ids=lambda kind: kind.name
)
def test_a_kind_that_is_not_read_is_named(kind, tmp_path):
    data = bytes(kind.offset) + kind.magic[0] + bytes(200)
    assert unread_kind(data) == kind
    assert not formats_beginning(data) or kind.name == "JPEG-LS"
    (tmp_path / "in.xyz").write_bytes(data)
    with pytest.raises(PictureError) as refusal:
        open_picture("in.xyz")
    reason = f"{kind.name} is not read; convert it: {kind.advice}"
    assert (f"it is a damaged {kind.name}" if kind.is_read else reason) in str(refusal.value)


def test_a_folder_says_what_it_skipped(capfd, monkeypatch):
    monkeypatch.setattr(Unread, "is_read", False)
    monkeypatch.setattr("convcli.batch.inputs.readable_suffixes", readable_suffixes.__wrapped__)
    os.mkdir("photos")
    for name in ("a.heic", "b.HEIC", "c.jxl", ".hidden.heic", "notes.txt"):
        with open(f"photos/{name}", "wb"):
            pass
    assert run(["filter", "photos", "-k", "blur", "-o", "out/"]) == 1
    assert "holds no pictures" in (said := capfd.readouterr().err)
    assert "2 .heic skipped: pip install 'convcli[heif]', or heif-convert IN OUT.png" in said
    Image.fromarray(SOFT).save("photos/d.png")
    assert run(["filter", "photos", "-k", "blur", "-o", "out/", "-q"]) == 0
    assert "photos: 1 .jxl skipped: djxl IN OUT.png" in capfd.readouterr().err


def test_heic_is_read_where_its_package_is(capfd):
    heif = pytest.importorskip("pillow_heif")
    os.mkdir("photos")
    turned = Image.Exif()
    turned[0x0112] = 6  # shown turned by 90 degrees
    heif.from_pillow(Image.fromarray(SOFT)).save(
        "photos/a.heic", quality=100, exif=turned.tobytes()
    )
    assert run(["filter", "photos", "-k", "identity", "-o", "out/"]) == 0
    assert capfd.readouterr().out == "out/a.png\n"
    found = open_picture("out/a.png").pixels.astype(int)
    assert np.abs(found - np.rot90(SOFT, -1)).max() <= 8
    deep = SOFT.astype(np.uint16) << 8
    heif.encode("RGB;16", (48, 40), deep.tobytes(), "deep.heic", quality=-1)
    assert run(["filter", "deep.heic", "-k", "identity", "-o", "deep.png", "-q"]) == 0
    assert "read with 8 bits per sample" in capfd.readouterr().err


FLOATS = np.random.default_rng(8).normal(0, 90, (5, 7, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "array",
    [
        FLOATS,
        FLOATS[..., 0],
        FLOATS.astype(">f4"),
        FLOATS.astype(np.float64),
        np.asfortranarray(FLOATS),
        (FLOATS * 9).astype(np.int16),
        (FLOATS * 1e6).astype(">i4"),
        np.abs(FLOATS).astype(np.uint8),
        np.abs(FLOATS[..., :1]).astype(np.float16),
        np.abs(FLOATS * 100).astype(">u2"),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}{array.flags.c_contiguous}",
)
def test_an_array_is_read_as_it_is_written(array, capfd):
    np.save("in.npy", array)
    assert run(["filter", "in.npy", "-k", "identity"]) == 0
    assert capfd.readouterr().out == "in.identity.npy\n"
    np.testing.assert_array_equal(np.load("in.identity.npy"), array.squeeze())
    if array.dtype.kind == "u":
        assert run(["filter", "in.npy", "-k", "identity", "-o", "out.png"]) == 0
        np.testing.assert_array_equal(open_picture("out.png").pixels, array)


@pytest.mark.parametrize(("kind", "channels"), [(b"Pf", 1), (b"PF", 3)])
@pytest.mark.parametrize(("scale", "order"), [(b"-1.0", "<f4"), (b"1", ">f4"), (b"-2.5", "<f4")])
def test_a_pfm_of_gray_or_color_is_read_as_it_is_written(kind, channels, scale, order, capfd):
    values = FLOATS[..., :channels]
    with open("in.pfm", "wb") as stream:
        stream.write(kind + b"\n7 5\n" + scale + b"\n" + values[::-1].astype(order).tobytes())
    assert run(["filter", "in.pfm", "-k", "identity", "-o", "out.npy", "-q"]) == 0
    np.testing.assert_array_equal(np.load("out.npy").reshape(values.shape), values)
    assert ("its scale of -2.5 is left out" in capfd.readouterr().err) == (scale == b"-2.5")
    assert run(["filter", "in.pfm", "-k", "identity", "-q"]) == 0
    np.testing.assert_array_equal(open_picture("in.identity.pfm", every_kind=True).pixels, values)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 3, 4, 5)), "an array (2, 3, 4, 5) of float64 is not a picture"),
        (np.zeros(7), "is not a picture"),
        (np.zeros((4, 5, 6)), "is not a picture"),
        (np.zeros((4, 5), bool), "its samples are not numbers"),
        (np.full((4, 5), np.nan), "not finite"),
        (np.full((4, 5), 2**60), "beyond 2⁵³"),
        (np.zeros((0, 5)), "it has 5x0 pixels"),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array, said, capfd):
    np.save("in.npy", array)
    assert run(["filter", "in.npy", "-k", "blur"]) == 1
    assert said in capfd.readouterr().err
    with open("in.npy", "rb") as stream:
        whole = stream.read()
    with open("cut.npy", "wb") as stream:
        stream.write(whole[:-1])
    assert run(["filter", "cut.npy", "-k", "blur"]) == 1


@pytest.mark.parametrize(("suffix", "in_bands"), [("png", True), ("ppm", False)])
def test_bands_are_advised_for_formats_that_are_read_in_bands(tmp_path, capfd, suffix, in_bands):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (3000, 2000)).save(path)
    assert run(["filter", str(path), "-k", "blur", "-n", "--max-memory", "1MiB"]) == 1
    assert ("convcli[large]" in capfd.readouterr().err) == in_bands
