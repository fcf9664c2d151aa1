"""Every frame shows the cell it says it shows: its drawn rectangle is read back from the file."""

import re
import shutil
import subprocess
import zlib
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageSequence

from convcli.app.lessons import ExplainOptions, lesson_of
from convcli.cli.main import run
from convcli.explanation.draw.frames import Sheet
from convcli.explanation.draw.pens import PixelPen
from convcli.explanation.draw.themes import THEMES, Palette

# a command line → the rows and the columns (first, reach) that each output's window spans, from
# the definition, with the canvas's first row and column at 0
GEOMETRIES = {
    "--input 5x5 --kernel 3 --stride 2 --padding 1": lambda o: (o * 2, 3),
    "--input 5x5 --kernel 3 --padding 2": lambda o: (o, 3),
    "--input 7x7 --kernel 3 --dilation 2": lambda o: (o, 5),
    "--input 6x6 --kernel 2 --stride 3": lambda o: (o * 3, 2),
    "--input 3x3 --kernel 3 --transposed --stride 2 --padding 1": lambda o: (o, 3),
    "--input 4x4x3 --kernel 2 --bias 1": lambda o: (o, 2),
    "--input 6x6 --pool max:2": lambda o: (o * 2, 2),
    "--input 16x16 --kernel 5 --stride 4 --padding same": lambda o: (o * 4, 5),
}


def walk_of(line):
    from convcli.cli.explain import explain_command

    context = explain_command.make_context("explain", line.split())
    return lesson_of(ExplainOptions(**context.params)).walk


def frames_of(path):
    with Image.open(path) as image:
        return [frame.convert("RGBA").copy() for frame in ImageSequence.Iterator(image)]


def cells_in_frame(frame, panel, colour):
    """Rows and columns of the panel's cells that lie within the rectangle of this colour."""
    part = np.asarray(frame)[
        panel.top : panel.top + panel.height, panel.left : panel.left + panel.width
    ]
    ys, xs = np.nonzero((part[..., :3] == colour).all(axis=2) & (part[..., 3] == 255))
    assert len(ys), "no rectangle is drawn"
    edges = ys.min(), ys.max(), xs.min(), xs.max()
    assert all(edge % panel.side == 0 for edge in edges), edges
    top, bottom, left, right = (int(edge) // panel.side for edge in edges)
    return (top, bottom - top), (left, right - left)


FIRST = next(iter(GEOMETRIES))
DRAWN = [
    *((line, "gif", "both") for line in GEOMETRIES),
    (FIRST, "gif", "light"),
    (FIRST, "gif", "dark"),
    (FIRST, "apng", "both"),
    (FIRST, "webp", "both"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("line", "suffix", "theme"), DRAWN)
def test_every_frame_frames_the_window_of_its_cell(tmp_path, capfd, line, suffix, theme):
    window = GEOMETRIES[line]
    target = str(tmp_path / f"window.{suffix}")
    words = f"explain {line} -q -o {target} --theme {theme}"
    assert run(words.split()) == 0, capfd.readouterr().err
    walk = walk_of(line)
    sheet = Sheet(walk, THEMES[theme])
    frames = frames_of(target)
    cells = list(product(*map(range, walk.size)))
    assert len(frames) == len(cells)
    for frame, (i, j) in zip(frames, cells, strict=True):
        assert frame.size == (sheet.width, sheet.height)
        for panel in sheet.inputs:
            assert cells_in_frame(frame, panel, THEMES[theme].frame) == (window(i), window(j))
        for panel in sheet.outputs:
            assert cells_in_frame(frame, panel, THEMES[theme].frame) == ((i, 1), (j, 1))


def test_taps_are_shaded_and_holes_are_not(tmp_path, capfd):
    target = str(tmp_path / "window.gif")
    line = "--input 7x7 --kernel 3 --dilation 2"
    assert run(f"explain {line} -q -o {target}".split()) == 0
    walk, theme = walk_of(line), THEMES["both"]
    panel = Sheet(walk, theme).inputs[0]
    for frame, cell in zip(frames_of(target), walk.cells, strict=True):
        taps = {term.position for term in walk.step(cell).channels[0]}
        for row, column in product(range(7), range(7)):
            left, top, _, _ = panel.box(row, column)
            shade = frame.getpixel((left + 5, top + 5))[:3]
            assert (shade == theme.windows[0]) == ((row, column) in taps), (cell, row, column)


def test_only_the_page_is_clear_and_it_is_clear_in_every_frame(tmp_path, capfd):
    target = str(tmp_path / "window.gif")
    assert run(f"explain --input 5x5 --kernel 3 --padding 1 -q -o {target}".split()) == 0
    clear = [np.asarray(frame)[..., 3] == 0 for frame in frames_of(target)]
    assert clear[0].any()
    for one in clear[1:]:
        assert (one == clear[0]).all()


def test_a_strip_holds_every_frame_in_the_order_of_the_output(tmp_path, capfd):
    line = "--input 5x6 --kernel 3 --stride 2 --padding 1"
    target = str(tmp_path / "window.png")
    assert run(f"explain {line} -q -o {target}".split()) == 0
    walk = walk_of(line)
    sheet = Sheet(walk, THEMES["both"])
    with Image.open(target) as strip:
        strip.load()
    assert strip.size == (sheet.width * walk.size[1], sheet.height * walk.size[0])
    for number, frame in enumerate(sheet.frames()):
        row, column = divmod(number, walk.size[1])
        box = (column * sheet.width, row * sheet.height)
        part = strip.crop((*box, box[0] + sheet.width, box[1] + sheet.height))
        assert part.convert("RGBA").tobytes() == frame.convert("RGBA").tobytes()


def test_numbered_pictures_hold_the_frames(tmp_path, capfd):
    line = "--input 5x5 --kernel 3 --theme light"
    assert run(f"explain {line} -q -o {tmp_path / 'step%02d.png'}".split()) == 0
    frames = [
        np.asarray(frame.convert("RGB"))
        for frame in Sheet(walk_of(line[:-14]), THEMES["light"]).frames()
    ]
    files = sorted(tmp_path.glob("step*.png"))
    assert [file.name for file in files] == [f"step{number:02d}.png" for number in range(1, 10)]
    for frame, file in zip(frames, files, strict=True):
        with Image.open(file) as picture:
            np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), frame)
    assert run(f"explain {line} -q -o {tmp_path / 'step%02d.png'}".split()) == 1
    assert "step01.png" in capfd.readouterr().err


def test_a_pdf_has_a_page_of_vectors_for_each_step_and_says_each_thing_once(tmp_path):
    line, target = "--input 4x4 --kernel 3 --padding 1", tmp_path / "steps.pdf"
    assert run(f"explain {line} -q -o {target}".split()) == 0
    data = target.read_bytes()
    assert b"/Image" not in data
    streams = {
        int(number): zlib.decompress(content).decode()
        for number, content in re.findall(
            rb"(\d+) 0 obj\n<<[^>]*>>stream\n(.*?)\nendstream", data, re.S
        )
    }
    pages = [
        [int(part) for part in re.findall(rb"(\d+) 0 R", contents)]
        for contents in re.findall(rb"/Type/Page/.*?/Contents\[(.*?)\]", data)
    ]
    walk = walk_of(line)
    assert len(pages) == 16
    output = [str(value) for row in walk.output()[0] for value in row]
    shown = {
        number: [bytes.fromhex(text).decode("cp1252") for text in re.findall(r"<(\w+)> Tj", part)]
        for number, part in streams.items()
    }
    for number, (page, cell) in enumerate(zip(pages, walk.cells, strict=True)):
        texts = [text for part in page for text in shown[part]]
        (told,) = [text for text in texts if text.startswith("z[")]
        assert told.startswith(f"z[{cell[0]},{cell[1]}] = ")
        assert told.endswith(f" = {output[number]}")
        # head, ground, one part for each step that is over, and the step
        assert len(page) == 3 + number
        assert [shown[part] for part in page[2:-1]] == [[value] for value in output[:number]]
    assert len(data) < 25_000


def test_an_svg_shows_each_step_in_its_turn_and_keeps_what_came_out(tmp_path):
    line, target = "--input 4x4 --kernel 3 --padding 1", tmp_path / "window.svg"
    assert run(f"explain {line} -q --fps 2 -o {target}".split()) == 0
    root = ElementTree.fromstring(target.read_text())
    groups = root.findall("{http://www.w3.org/2000/svg}g")
    walk = walk_of(line)
    output = [str(value) for row in walk.output()[0] for value in row]
    assert len(groups) == 2 * 16 - 1
    for time in range(16):
        shown = []
        for group in groups:
            animate = group.find("{http://www.w3.org/2000/svg}animate")
            assert animate.get("dur") == "8s"
            begins = [float(at) for at in animate.get("keyTimes").split(";")]
            last = max(i for i, at in enumerate(begins) if at <= (time + 0.5) / 16)
            if animate.get("values").split(";")[last] == "inline":
                shown.append(
                    [
                        "".join(t.itertext())
                        for t in group.findall("{http://www.w3.org/2000/svg}text")
                    ]
                )
        kept = [texts[0] for texts in shown if len(texts) == 1]
        assert kept == output[:time]
        (step,) = [texts for texts in shown if len(texts) > 1]
        assert output[time] in step


def test_a_film_needs_ffmpeg_and_says_so(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert run(f"explain --input 4 --kernel 3 -q -o {tmp_path / 'film.mp4'}".split()) == 1
    assert "ffmpeg writes .mp4 files and is not installed" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="apt-get install ffmpeg")
def test_a_film_has_a_frame_for_each_step(tmp_path):
    film = tmp_path / "film.mp4"
    assert run(f"explain --input 4 --kernel 3 -q --fps 2 -o {film}".split()) == 0
    words = [
        "ffprobe",
        "-v",
        "error",
        "-show_entries",
        "stream=nb_frames,duration",
        "-of",
        "csv=p=0",
        film,
    ]
    assert (
        subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        == "2.000000,4"
    )


def test_fps_sets_the_time_of_a_frame_and_cell_draws_one(tmp_path, capfd):
    target = str(tmp_path / "window.gif")
    assert run(f"explain --input 4x4 --kernel 3 -q -o {target} --fps 4".split()) == 0
    with Image.open(target) as image:
        assert (image.info["duration"], image.info["loop"], image.n_frames) == (250, 0, 4)
    words = f"explain --input 4x4 --kernel 3 --cell 1,0 -q -o {target}".split()
    assert run(words) == 1
    assert "--force overwrites it" in capfd.readouterr().err
    assert run([*words, "--force"]) == 0
    assert len(frames_of(target)) == 1


@pytest.mark.parametrize("theme", THEMES)
def test_a_palette_holds_all_the_colors_of_fills_and_numbers(theme):
    palette, chosen = Palette(THEMES[theme]), THEMES[theme]
    assert len(palette.flat) == 768
    used = {chosen.page, chosen.ink, chosen.frame, chosen.now, *chosen.cells, *chosen.windows}
    for color in used:
        index = palette.index[color]
        assert tuple(palette.flat[3 * index : 3 * index + 3]) == color
    shades = palette.shades(palette.index[chosen.now], chosen.ink)
    assert (palette.colors[shades[0]], palette.colors[shades[-1]]) == (chosen.now, chosen.ink)


def contrast(one, other):
    """WCAG 2's contrast of two colours."""

    def light(colour):
        parts = [c / 255 for c in colour]
        parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_numbers_can_be_read_on_every_ground(theme):
    chosen = THEMES[theme]
    grounds = [*chosen.cells, *chosen.windows, chosen.output, chosen.now, chosen.kernel]
    assert min(contrast(chosen.ink, ground) for ground in grounds) >= 4.5
    assert contrast(chosen.faint, chosen.padding) >= 4.5
    # the frame and the cells stand out from what is behind them, on a white page and on a dark one
    for page in [chosen.page, (13, 17, 23)] if chosen.is_card else [chosen.page]:
        assert contrast(chosen.frame, page) >= 3


@pytest.mark.parametrize("text", ["0.001", "-2.5", "-128", "-0.25", "-1.2e-05", "1234567", "7"])
@pytest.mark.parametrize("corner", [None, -1, 0.125])
@pytest.mark.parametrize("side", [24, 32, 40])
def test_a_number_stays_inside_its_cell(text, corner, side):
    sheet = Sheet.__new__(Sheet)
    sheet.side, sheet.theme = side, THEMES["light"]
    palette = Palette(sheet.theme)
    white = palette.index[sheet.theme.page]
    image = Image.new("L", (3 * side, 3 * side), white)
    box = side, side, 2 * side, 2 * side
    sheet.draw_number(PixelPen(image, palette), box, float(text), sheet.theme.ink, corner)
    left, top, right, bottom = image.point(lambda index: 255 * (index != white)).getbbox()
    # nothing below the frame of a window, 3 pixels wide
    assert left >= side + 3
    assert top > side
    assert right <= 2 * side
    assert bottom <= 2 * side
