"""Formats beside the common ones, and kinds of pictures that are named because they are not read."""

import os

import numpy as np
import pytest
from PIL import Image

from convcli.cli.main import run
from convcli.errors import PictureError
from convcli.images.io.formats import UNREAD, formats_beginning, unread_kind
from convcli.images.io.read import open_picture
from convcli.images.io.source import sample_bits

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
    assert f"{kind.name} is not read; {kind.command} converts it" in str(refusal.value)


def test_a_folder_says_what_it_skipped(capfd):
    os.mkdir("photos")
    for name in ("a.heic", "b.HEIC", "c.jxl", ".hidden.heic", "notes.txt"):
        with open(f"photos/{name}", "wb"):
            pass
    assert run(["filter", "photos", "-k", "blur", "-o", "out/"]) == 1
    assert "holds no pictures" in (said := capfd.readouterr().err)
    assert "2 .heic skipped, which heif-convert IN OUT.png converts" in said
    Image.fromarray(SOFT).save("photos/d.png")
    assert run(["filter", "photos", "-k", "blur", "-o", "out/", "-q"]) == 0
    assert "photos: 1 .jxl skipped, which djxl IN OUT.png converts" in capfd.readouterr().err
