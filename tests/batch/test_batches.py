"""Batches: which pictures, in what order, to which names, and what is told of them."""

import json
import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from batches import convcli, picture, samples, tree
from hypothesis import given
from hypothesis import strategies as st
from terminal import on_terminal

from convcli.batch.inputs import Input, gathered
from convcli.batch.jobs import worker
from convcli.batch.output_names import NameParts, Task, filled, read_template, tasks_of
from convcli.batch.resume import finished_before
from convcli.cli.main import run
from convcli.errors import OutputError, Refusal, SpecError
from convcli.images.filters.options import FilterOptions


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shell(capfd, here):
    def call(line, *words):
        code = run([*line.split(), *words])
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def photos(here):
    for number, name in enumerate(["b.png", "a.jpg", "c.png", "sub/a.jpg", "sub/deep/d.png"]):
        picture(f"photos/{name}", number)
    Path("photos/notes.txt").write_text("not a picture")
    Path("photos/.hidden.png").write_text("not a picture")


# words → outputs, in the order they are printed
ORDERS = {
    "photos/ -o out/": ["out/a.jpg", "out/b.png", "out/c.png"],
    "photos --recursive -o out/": [
        "out/a.jpg",
        "out/b.png",
        "out/c.png",
        "out/sub/a.jpg",
        "out/sub/deep/d.png",
    ],
    "photos/c.png photos/b.png -o out/": ["out/c.png", "out/b.png"],
    "photos/*.png -o out/": ["out/b.png", "out/c.png"],
    "photos/**/*.png -o {number:02}.{stem}.{kernel}{suffix}": [
        "01.b.sobel.png",
        "02.c.sobel.png",
        "03.d.sobel.png",
    ],
    "photos -o {kernel}/": ["sobel/a.jpg", "sobel/b.png", "sobel/c.png"],
    "photos/": ["a.sobel.jpg", "b.sobel.png", "c.sobel.png"],
    "photos -o out/{{{stem}}}.png": ["out/{a}.png", "out/{b}.png", "out/{c}.png"],
    "photos/b.png -o out/": ["out/b.png"],
    "photos --to bmp -o out/": ["out/a.bmp", "out/b.bmp", "out/c.bmp"],
    "photos -o {parent}/{stem}.{kernel}.png": ["a.sobel.png", "b.sobel.png", "c.sobel.png"],
    "photos -o out/{parent}-{stem}.png": [
        "out/photos-a.png",
        "out/photos-b.png",
        "out/photos-c.png",
    ],
}


@pytest.mark.parametrize(
    ("words", "outputs"),
    [*ORDERS.items(), *((f"{words} --jobs 2", ORDERS[words]) for words in list(ORDERS)[:1])],
)
def test_results_come_in_the_order_of_the_inputs(shell, photos, words, outputs):
    before = tree("photos")
    code, out, _ = shell(f"filter {words} -k sobel")
    assert (code, out.splitlines()) == (0, outputs)
    assert tree("photos") == before
    assert all(os.path.isfile(name) for name in outputs)


@pytest.mark.parametrize(
    ("words", "out"),
    {
        "photos/b.png photos/c.png -o out/ -q": "",
        "photos/b.png -q": "",
        "photos -o out/ -n": "photos/a.jpg → out/a.jpg\nphotos/b.png → out/b.png\nphotos/c.png → out/c.png\n",
        "photos/b.png -n": "photos/b.png → b.sobel.png\n",
        "photos/b.png -o - -n": "photos/b.png → -\n",
        "photos/b.png --in-place -n": "photos/b.png → photos/b.png\n",
        "photos/b.png -n -f json": '{"schema": 1, "input": "photos/b.png", "output": "b.sobel.png", "status": "planned"}\n',
    }.items(),
)  # fmt: skip
def test_a_quiet_run_is_silent_and_a_dry_one_writes_nothing(shell, photos, words, out):
    before = tree(".")
    assert shell(f"filter {words} -k sobel") == (0, out, "")
    assert (tree(".") == before) == ("-n" in words.split())


def test_a_dry_run_knows_what_is_finished_and_what_is_refused(shell, photos):
    assert shell("filter photos/b.png photos/c.png -k sobel -o out/ -q")[0] == 0
    os.unlink("out/b.png")
    _, out, err = shell("filter photos/b.png photos/c.png -k sobel -o out/ --resume -n")
    assert (out, err) == ("photos/b.png → out/b.png\n", "photos/c.png: out/c.png is finished\n")
    code, out, err = shell("filter photos/b.png photos/c.png -k sobel -o out/ -n")
    assert (code, out) == (1, "")
    assert "out/c.png is there already" in err


@pytest.mark.parametrize(
    "words", ["filter {} -k sobel -o new/", "extract {}", "extract {} --vector mean -o v.csv"]
)
def test_a_dry_run_fails_where_a_picture_is_not_there(shell, photos, words):
    os.symlink("nowhere", "link.png")
    code, out, err = shell(words.format("photos/b.png link.png none.png") + " -n")
    assert (code, len(out.splitlines())) == (1, 3)
    assert err == "Error: link.png, and 1 more: there is no such picture\n"


@pytest.mark.parametrize(
    ("words", "out"),
    {
        "photos/b.png": "photos/b.png → b.maps.png\n",
        "photos/b.png --save b.npz": "photos/b.png → b.maps.png\nphotos/b.png → b.npz\n",
        "photos/b.png photos/c.png -o maps/": "photos/b.png → maps/b.LAYER.png\nphotos/c.png → maps/c.LAYER.png\n",
        "photos/b.png --vector mean": "photos/b.png → -\n",
        "photos --vector mean -o v.npz": "photos/a.jpg → v.npz\nphotos/b.png → v.npz\nphotos/c.png → v.npz\n",
    }.items(),
)  # fmt: skip
def test_a_dry_run_of_extract_says_where_maps_and_vectors_go(shell, photos, words, out):
    before = tree(".")
    assert shell(f"extract {words} --dry-run") == (0, out, "")
    assert tree(".") == before


def test_on_a_terminal_a_summary_stands_for_the_paths_of_a_batch(photos):
    code, shown = on_terminal("convcli filter photos -k sobel -o out/", Path())
    assert code == 0
    assert re.fullmatch(r"3 of 3 pictures done in .*; results are in out", shown), shown
    _, shown = on_terminal("convcli filter photos/b.png -k sobel", Path())
    assert shown.splitlines()[-1] == "b.sobel.png"


def test_a_batch_gives_what_single_runs_give(shell, photos):
    assert shell("filter photos --recursive -k gaussian:1 -o out/ --jobs 2 -q")[0] == 0
    for name in ("a.jpg", "c.png", "sub/deep/d.png"):
        assert shell(f"filter photos/{name} -k gaussian:1 -q -o one{name[-4:]} --force")[0] == 0
        np.testing.assert_array_equal(samples(f"one{name[-4:]}"), samples(f"out/{name}"))


@pytest.mark.parametrize(
    ("null", "data"),
    [
        ((), b"photos/c.png\nphotos/b.png\n"),
        ((), b"\xef\xbb\xbfphotos/c.png\r\n\r\nphotos/b.png"),  # as Windows writes it
        (("-0",), b"photos/c.png\0photos/b.png\0"),
    ],
)
def test_lists_come_from_stdin(photos, null, data):
    ended = convcli("filter", "--files-from", "-", *null, "-k", "blur", "-o", "out/", input=data)
    assert (ended.returncode, ended.stdout) == (0, b"out/c.png\nout/b.png\n")
    assert ended.stderr.startswith(b"2 of 2 pictures done in ")


def test_names_of_any_bytes_go_through_lists_workers_and_reports(here):
    names = [b"in/new\nline.png", b"in/\xff.png", b"in/[bold]\x1b[31m.png", "in/ä.png".encode()]
    picture("in/plain.png")
    for name in names:
        Path(os.fsdecode(name)).write_bytes(Path("in/plain.png").read_bytes())
    Path(os.fsdecode(b"in/bad\xfe\n.png")).write_bytes(b"")
    data = b"\0".join([*names, b"in/bad\xfe\n.png"])
    words = ["filter", "--files-from", "-", "-0", "-k", "blur", "-o", "out/", "--jobs", "2"]
    ended = convcli(*words, "--report", "r.jsonl", input=data)
    assert ended.returncode == 1
    assert ended.stdout == b"".join(name.replace(b"in/", b"out/") + b"\n" for name in names)
    assert b"\x1b" not in ended.stderr
    assert b"in/bad\\udcfe\\n.png" in ended.stderr
    (line,) = Path("r.jsonl").read_text().splitlines()
    assert os.fsencode(json.loads(line)["path"]) == b"in/bad\xfe\n.png"
    assert sorted(os.listdir(b"out")) == sorted(name[3:] for name in names)


def test_failures_are_listed_reported_and_the_rest_is_done(shell, photos):
    Path("photos/bad.png").write_bytes(Path("photos/b.png").read_bytes()[:60])
    code, out, err = shell("filter photos gone.png -k sobel -o out/ --report r.jsonl")
    assert (code, out.split()) == (1, ["out/a.jpg", "out/b.png", "out/c.png"])
    *failures, summary, last = err.splitlines()
    assert [line.split(" cannot ")[0] for line in failures] == [
        "Error: photos/bad.png",
        "Error: gone.png",
    ]
    assert summary.startswith("3 of 5 pictures done, 2 failed in ")
    assert last == "Error: 2 of 5 pictures failed"
    records = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [one["path"] for one in records] == ["photos/bad.png", "gone.png"]
    assert {one["kind"] for one in records} == {"PictureError"}
    assert tree("out") == ["a.jpg", "b.png", "c.png"]


def test_a_folder_that_cannot_be_made_is_named(shell, photos):
    code, out, err = shell("filter photos/b.png photos/c.png -k sobel -o photos/notes.txt/of/")
    assert (code, out) == (1, "")
    reason = "photos/notes.txt/of cannot be made: Not a directory"
    assert err.startswith(f"Error: photos/b.png: {reason}\nError: photos/c.png: {reason}\n")


def test_the_first_failure_may_end_it(shell, photos):
    code, out, err = shell("filter gone.png photos -k sobel -o out/ --fail-fast")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "Error: 1 of 4 pictures failed, 3 not tried"
    code, out, err = shell("extract gone.png photos --vector mean --fail-fast")
    assert (code, out) == (1, "")
    assert "; 0 pictures, " in err
    assert err.splitlines()[-1] == "Error: 1 of 4 pictures failed, 3 not tried"


def test_json_is_a_line_a_picture(shell, photos):
    _, out, _ = shell("filter photos gone.png -k sobel -o out/ --format json")
    records = [json.loads(line) for line in out.splitlines()]
    assert [one["status"] for one in records] == ["done", "done", "done", "failed"]
    assert records[0]["values"]["samples"] == 16 * 12 * 3


def test_resume_makes_what_is_missing_broken_or_stale_and_nothing_else(shell, photos):
    line = "filter photos --recursive -k sobel -o out/"
    assert shell(line)[0] == 0
    whole = {name: Path("out", name).read_bytes() for name in tree("out")}
    kept = os.stat("out/a.jpg").st_mtime_ns
    os.unlink("out/b.png")
    broken = bytearray(whole["c.png"])
    broken[len(broken) // 2] ^= 1  # decodes, perhaps: its checksum does not
    Path("out/c.png").write_bytes(broken)
    picture("photos/sub/a.jpg", 77)
    code, out, err = shell(f"{line} --resume")
    assert (code, len(out.splitlines())) == (0, 5)
    assert err.startswith("3 of 5 pictures done, 2 skipped in ")
    assert os.stat("out/a.jpg").st_mtime_ns == kept
    again = {name: Path("out", name).read_bytes() for name in tree("out")}
    assert again.pop("sub/a.jpg") != whole.pop("sub/a.jpg")
    assert again == whole


def test_resume_does_not_take_the_result_of_another_recipe_for_its_own(shell, photos):
    assert shell("filter photos -k sobel -o out/")[0] == 0
    before = Path("out/a.jpg").read_bytes()
    code, _, err = shell("filter photos -k blur -o out/ --resume")
    assert (code, "was made otherwise; --force" in err) == (1, True)
    assert Path("out/a.jpg").read_bytes() == before


@pytest.mark.parametrize(
    "suffix", [".npy", ".npz", ".pfm", ".ppm", ".bmp", ".png", ".jpg", ".tif", ".webp", ".gif"]
)
def test_the_proof_fails_for_any_cut(here, suffix):
    """An output that lost its end is never taken for whole, in any format that is written."""
    picture("in.png")
    assert run(["filter", "in.png", "-k", "blur", "-q", "-o", f"out{suffix}"]) == 0
    record = FilterOptions(kernels=("blur",)).record()
    data = Path(f"out{suffix}").read_bytes()
    assert finished_before(f"out{suffix}", "in.png", record)
    for length in (0, 1, len(data) // 2, len(data) - 20):
        Path(f"out{suffix}").write_bytes(data[:length])
        assert finished_before(f"out{suffix}", "in.png", record) is None, length


# line → exit code, and what the refusal says
REFUSALS = {
    "filter photos -k sobel -o one.png": (2, "one file for 3 pictures"),
    "filter photos -k sobel -o out/{stem.__class__}": (2, "is not a field"),
    "filter photos -k sobel -o out/{0}": (2, "is not a field"),
    "filter photos -k sobel -o out/{stem": (2, "is not a field"),
    "filter photos -k sobel -o out/{parent}": (2, "names folders"),
    "filter photos -k sobel -o out/{stem}.png --recursive": (
        1,
        "would both be written to out/a.png",
    ),
    "filter photos/b.png photos/b.png -k sobel -o out/": (1, "would both be written"),
    "filter photos -k sobel -o photos/": (1, "is one of the inputs"),
    "filter photos -k sobel -o photos/ --force": (1, "is one of the inputs"),
    "filter photos/notes.txt -k sobel -o out/": (1, "notes.txt is not a picture"),
    "filter photos/sub/deep/empty -k sobel -o out/": (1, "holds no pictures"),
    "filter - photos -k sobel -o out/": (2, "stdin (-) is one picture"),
    "filter photos -k sobel -o -": (2, "one picture on stdout"),
    "filter photos -k sobel --explain": (2, "for one picture"),
    "filter photos -k sobel --in-place -o out/": (2, "leave -o out"),
    "filter photos -k sobel --in-place --resume": (2, "cannot tell"),
    "filter -k sobel": (2, "name a picture"),
    "filter -k sobel --files-from gone.txt": (2, "gone.txt cannot be read"),
    "filter photos -0 -k sobel": (2, "--files-from"),
    "filter photos -k nonsense -o out/": (2, "nonsense"),
    "filter photos -k sobel --max-memory lots": (2, "not an amount of memory"),
    "extract photos --recursive": (2, "--recursive is for vectors"),
    "extract photos/b.png --vector mean --max-pixels 3": (1, "--max-pixels 192"),
    "extract photos/b.png --max-pixels 3": (1, "--max-pixels 192"),
    "extract photos --vector mean --ship bytes": (2, "made from paths"),
}


@pytest.mark.parametrize(("line", "expected"), REFUSALS.items())
def test_a_refused_batch_writes_nothing(shell, photos, line, expected):
    os.mkdir("photos/sub/deep/empty")
    before = tree()
    code, out, err = shell(line)
    assert (code, out) == (expected[0], "")
    assert expected[1] in err
    assert err.count("Error: ") == 1
    assert tree() == before


def test_outputs_that_are_there_stop_a_batch_before_it_starts(shell, photos):
    picture("out/c.png", 9)
    before = Path("out/c.png").read_bytes()
    code, out, err = shell("filter photos -k sobel -o out/")
    assert (code, out) == (1, "")
    assert (
        err
        == "Error: out/c.png is there already; nothing is written: --resume skips finished results, --force overwrites them\n"
    )
    assert (tree("out"), Path("out/c.png").read_bytes()) == (["c.png"], before)
    assert shell("filter photos -k sobel -o out/ --force")[0] == 0
    assert Path("out/c.png").read_bytes() != before


def test_vectors_of_many_pictures_keep_their_order_on_workers(shell, photos):
    line = "extract photos --recursive --vector mean,std --resize 12 -q"
    one = shell(f"{line} --jobs 1")
    two = shell(f"{line} --jobs 2")
    assert one == two
    assert [json.loads(text)["path"] for text in one[1].splitlines()] == [
        "photos/a.jpg",
        "photos/b.png",
        "photos/c.png",
        "photos/sub/a.jpg",
        "photos/sub/deep/d.png",
    ]
    Path("photos/sub/bad.png").write_bytes(b"")
    code, out, err = shell(f"{line} --jobs 2 --report r.jsonl")
    assert (code, out) == (1, one[1])
    assert err.splitlines()[-1] == "Error: 1 of 6 pictures failed"
    assert json.loads(Path("r.jsonl").read_text())["path"] == "photos/sub/bad.png"


def test_a_terminal_sees_progress_and_a_pipe_does_not(shell, photos, monkeypatch):
    pty = pytest.importorskip("pty")
    monkeypatch.setattr("convcli.batch.progress.PATIENCE", 0.0)
    for name, value in (("TERM", "xterm"), ("COLUMNS", "80"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    leader, follower = pty.openpty()
    line = "filter photos -k sobel -o out/ --force"
    with os.fdopen(follower, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr("sys.stderr", terminal)
        code, out, err = shell(line)
    shown = b""
    with open(leader, "rb", buffering=0) as screen, suppress(OSError):  # Linux: nobody writes
        while part := screen.read(65536):
            shown += part
    assert (code, out, err) == (0, "out/a.jpg\nout/b.png\nout/c.png\n", "")
    assert re.search(rb"0/3 .*3/3 .*3 of 3 pictures done in ", shown, re.DOTALL)
    code, out, err = shell(line)
    assert re.fullmatch(r"3 of 3 pictures done in .*\n", err)


@given(st.text("{}stemnumber:04.a/", max_size=24))
def test_templates_are_read_or_refused(text):
    try:
        template = read_template("{" + text, 1)
        filled(template, NameParts(Input("in/cat.jpg"), "sobel", ".jpg", 7))
    except SpecError:
        pass


@given(st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=6))
def test_no_two_tasks_share_a_target(names):
    inputs = [Input(f"/nowhere/{name}.png") for name in names]
    try:
        tasks = tasks_of(inputs, "/nowhere/out/{name}", "sobel", None, False, False)
    except OutputError:
        assert len(set(names)) < len(names)
    else:
        assert len({task.target for task in tasks}) == len(names)


def test_a_kernel_cannot_lead_out_of_the_output_folder():
    assert filled("out/{kernel}", NameParts(Input("a.png"), "../../x", ".png", 1)) == "out/.._.._x"


def test_the_output_folder_is_not_an_input_of_the_next_run(here):
    picture("photos/a.png")
    for _ in range(2):
        found = gathered(["photos"], recursive=True, skip="photos/out")
        assert [one.path for one in found] == ["photos/a.png"]
        picture("photos/out/a.png")


class Refusing:
    def work(self):
        def work(task):
            raise Refusal("there is no room")

        return work


@pytest.mark.parametrize("target", ["", "out.png"])
def test_an_outcome_that_failed_names_its_picture(target):
    outcome = worker(Refusing())(Task("in.png", target))
    assert (outcome.status, outcome.error) == ("failed", "in.png: there is no room")


def test_in_place_refuses_what_was_read_with_loss(tmp_path, capfd):
    """Deep color is read with 8 bits: the file itself must not become that."""
    path = tmp_path / "deep.ppm"
    path.write_bytes(b"P6\n2 1\n4095\n" + bytes(range(12)))
    before = path.read_bytes()
    assert run(["filter", str(path), "-k", "blur", "--in-place", "-q"]) == 1
    assert "--in-place would lose it for good" in capfd.readouterr().err
    assert path.read_bytes() == before
