"""Frames and pages by name, from the command line and from Python."""

import io
import os
import struct

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.cli.main import run
from convcli.images.io.read import open_picture
from convcli.images.io.source import Source, source_of

SHADES = (10, 20, 30, 40)


def pages(mode="L"):
    return [Image.new(mode, (7, 6), (shade,) * len(mode)) for shade in SHADES]


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, *rest = pages()
    first.save("a.tif", save_all=True, append_images=rest)
    first.save("b[1].tif")
    for name in ("a.gif", "a.png"):
        first, *rest = pages("RGB")
        first.save(name, save_all=True, append_images=rest, duration=[10, 20, 30, 40])


def shades(path):
    picture = open_picture(path, every_kind=True)
    return [int(frame.flat[0]) for frame in (picture.pixels, *picture.frames)]


@pytest.mark.parametrize("file", ["a.tif", "a.gif", "a.png"])
@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("[2]", [30]),
        ("[0]", [10]),
        ("[-1]", [40]),
        ("[1:3]", [20, 30]),
        ("[:2]", [10, 20]),
        ("[2:]", [30, 40]),
        ("[-2:]", [30, 40]),
        ("[3:9]", [40]),
    ],
)
def test_those_frames_are_read_that_are_named(file, named, expected):
    assert shades(file + named) == expected


@pytest.mark.parametrize("named", ["[4]", "[-5]", "[4:]", "[2:2]"])
def test_frames_that_there_are_not_are_refused(named, capsys):
    assert run(["filter", f"a.tif{named}", "-k", "blur", "-o", "o.tif"]) == 1
    error = capsys.readouterr().err
    assert f"it holds 4 frames, counted from 0: there is no {named}" in error


@pytest.mark.parametrize("name", ["b[1].tif", "c.tif[1]", "a.tif[]", "a.tif[:]", "a.tif[1:2:3]"])
def test_other_names_are_those_of_files(name):
    assert source_of(name) == Source(name)


def test_a_file_that_is_called_so_is_that_file():
    os.rename("b[1].tif", "a.tif[1]")
    assert shades("a.tif[1]") == [10]


def test_results_are_named_after_their_frames_and_keep_times(capsys):
    words = ["filter", "a.gif[1:3]", "-k", "identity"]
    assert run(words) == 0
    assert capsys.readouterr().out == "a-1-3.identity.gif\n"
    with Image.open("a-1-3.identity.gif") as image:
        times = []
        for number in range(image.n_frames):
            image.seek(number)
            times.append(image.info["duration"])
    assert times == [20, 30]
    assert run(["filter", "a.tif[2]", "a.tif[3]", "-k", "identity", "-o", "out/"]) == 0
    assert capsys.readouterr().out == "out/a-2.tif\nout/a-3.tif\n"
    assert shades("out/a-3.tif") == [40]


def test_the_file_itself_is_never_overwritten(capsys):
    assert run(["filter", "a.tif[2]", "-k", "blur", "-o", "a.tif", "--force"]) == 1
    assert (
        run(["filter", "a.tif[2]", "a.gif", "-k", "blur", "-o", "./{stem}.tif", "--in-place"]) == 2
    )
    assert run(["filter", "a.tif[2]", "-k", "blur", "--in-place"]) == 1
    assert "would replace the whole file" in capsys.readouterr().err
    assert shades("a.tif") == [*SHADES]


def test_a_frame_of_stdin_is_read(tmp_path, monkeypatch):
    with open("a.tif", "rb") as stream:
        data = io.TextIOWrapper(io.BytesIO(stream.read()))
    monkeypatch.setattr("sys.stdin", data)
    assert run(["filter", "-k", "identity", "-o", "o.tif", "-[3]"]) == 0
    assert shades("o.tif") == [40]


def test_python_reads_the_frame_that_is_named():
    assert convcli.filter_image("a.tif[1]", "identity")[0, 0].tolist() == [20]


def test_a_page_of_samples_that_pillow_misreads():
    """Planes that lie apart, of 16 bits, in every page: TIFF 6.0, PlanarConfiguration."""
    data, directory, offset = b"", [], 8
    for number in range(2):
        planes = np.arange(3 * 2 * 2, dtype="<u2").reshape(3, 2, 2) + 1000 * (number + 1)
        start = offset
        ends = start + 24
        tags = [
            (256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, ends), (259, 3, 1, 1), (262, 3, 1, 2),
            (273, 4, 3, ends + 6), (277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 3, ends + 18),
            (284, 3, 1, 2),
        ]  # fmt: skip
        body = planes.tobytes() + struct.pack("<3H", 16, 16, 16)
        body += struct.pack("<3L", start, start + 8, start + 16) + struct.pack("<3L", 8, 8, 8)
        directory.append(start + len(body))
        table = struct.pack("<H", len(tags))
        table += b"".join(struct.pack("<HHLL", *tag) for tag in tags)
        offset = start + len(body) + len(table) + 4
        following = struct.pack("<L", 0 if number else offset + 24 + 6 + 24)
        data += body + table + following
    with open("p.tif", "wb") as stream:
        stream.write(struct.pack("<2sHL", b"II", 42, directory[0]) + data)
    for number in range(2):
        picture = open_picture(f"p.tif[{number}]")
        assert picture.pixels[0, 1].tolist() == [1000 * (number + 1) + n for n in (1, 5, 9)]
