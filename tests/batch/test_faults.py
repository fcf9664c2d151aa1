"""The contract of docs/faults.md, fault by fault: a clear line, the right code, nothing half-written."""

import ast
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from batches import COMMAND, convcli, picture, samples, tree
from PIL import Image

from convcli.batch.jobs import FilterJob, worker
from convcli.batch.output_names import Task
from convcli.cli.main import run
from convcli.errors import PictureError
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.spec import spec_of
from convcli.images.image import Header, Limits, decoding_bytes, read_bytes
from convcli.images.io import headers
from convcli.images.io.read import open_picture
from convcli.images.io.source import Prefetch, file_state

ROOT = os.name == "posix" and os.geteuid() == 0


@pytest.fixture
def shell(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(line, *words):
        code = run([*line.split(), *words])
        return code, *capfd.readouterr()

    return call


def png(width, height):
    """A PNG whose header promises more than its few bytes can hold."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def gif(frames):
    one = b"\x21\xf9\x04\0\0\0\0\0" + b",\0\0\0\0\0\x40\0\x40\0" + b"\x02\x02D\x01\0"
    return b"GIF89a\0\x40\0\x40\x80\0\0\0\0\0\xff\xff\xff" + one * frames + b";"


# bytes of a file → what is said of it
BAD = {
    "empty.png": (b"", "is not a picture of a kind convcli reads"),
    "text.jpg": (b"no picture at all", "is not a picture"),
    "cut.png": (png(16, 16)[:50], "cannot be read"),
    "lying.png": (png(64, 64), "cannot be read"),
    "bomb.png": (png(50_000, 50_000), "--max-pixels 2500000000 allows them"),
    "bomb.bmp": (
        b"BM"
        + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "--max-pixels",
    ),
    "bomb.gif": (gif(3), "--max-pixels"),
    "bomb.ppm": (b"P6 90000 90000 255\n" + bytes(99), "it ends after"),
    "negative.pgm": (b"P5 -4 4 255\n" + bytes(99), "is not a picture"),
    "deep.tif": (b"II*\0\x08\0\0\0\xff\xff", ""),
    "postscript.png": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run",
        "PostScript is not read",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_clear_line(shell, name):
    data, said = BAD[name]
    Path(name).write_bytes(data)
    code, out, err = shell(f"filter {name} -k blur -o out.png")
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert err.startswith(f"Error: {name}")
    assert said in err
    assert tree() == [name]


def test_bad_files_of_a_batch_leave_the_good_ones(shell):
    for name, (data, _) in BAD.items():
        os.makedirs("in", exist_ok=True)
        Path("in", name).write_bytes(data)
    picture("in/good.png")
    code, out, err = shell("filter in -k blur -o out/ --jobs 2")
    assert (code, out) == (1, "out/good.png\n")
    assert err.count("Error: in/") == len(BAD)
    assert tree("out") == ["good.png"]


def test_more_pixels_are_read_knowingly(shell):
    picture("in.bmp", size=(40, 30))
    code, _, err = shell("filter in.bmp -k blur -o out.png --max-pixels 1199")
    assert (code, "40x30 pixels are 1,200, more than 1,199" in err) == (1, True)
    assert "--max-pixels 1200 allows them" in err
    assert shell("filter in.bmp -k blur -o out.png --max-pixels 1200")[0] == 0


@pytest.mark.parametrize("options", ["", "--linear", "-k blur --range stretch"])
def test_memory_is_predicted_before_anything_is_decoded(shell, options):
    Path("in.png").write_bytes(png(5000, 4000))  # decoding would fail, and say so
    code, _, err = shell(f"filter in.png -k blur -o out.png --max-memory 100M {options}")
    assert code == 1
    assert "of memory, the limit is 100 MiB;" in err
    assert read_bytes(re.search(r"--max-memory (\S+MiB)", err)[1]) > 5000 * 4000 * 6
    assert tree() == ["in.png"]


def test_the_prediction_is_exact_integers():
    size = Header(2**31 - 1, 2**31 - 1, 3, mode="RGB", array_mode="RGB")
    assert decoding_bytes(size) == (2**31 - 1) ** 2 * 10
    with pytest.raises(PictureError, match=r"4,611,686,014,132,420,609, more than"):
        Limits().check(size)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc here")
@pytest.mark.parametrize(
    "kernel", [["-k", "sobel"], ["-k", "blur", "-k", "sharpen"], ["-k", "blur", "--linear"]]
)
def test_the_prediction_holds(capfd, tmp_path, kernel):
    """The peak of a run stays below what was predicted, and what the interpreter takes."""
    in_, out = str(tmp_path / "in.bmp"), str(tmp_path / "out.png")
    picture(in_, size=(2000, 1500))
    code = (
        "from convcli.cli.main import run;"
        f"assert run(['filter', {in_!r}, *{kernel!r}, '-qo', {out!r}, '--threads', '2']) == 0;"
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    ended = subprocess.run([COMMAND[0], "-c", code], capture_output=True, text=True, check=True)
    peak = int(ended.stdout.split()[-1]) * 1024
    assert run(["filter", in_, *kernel, "-qo", out, "--force", "--max-memory", "1"]) == 1
    need = read_bytes(re.search(r"--max-memory (\S+MiB)", capfd.readouterr().err)[1])
    assert need / 4 < peak < need + 60 * 2**20, (need, peak)


# kernel → what is wrong with it
KERNELS = [
    "gaussian:1e9",
    "gaussian:nan",
    "box:99999",
    "random:5000",
    "nan",
    "1 inf",
    "1e999",
    "1/0",
    "box:-3",
    "motion:1e30",
]


@pytest.mark.parametrize("kernel", KERNELS)
def test_absurd_and_non_finite_kernels_are_refused(shell, kernel):
    picture("in.png")
    code, out, err = shell("filter in.png -o out.png -k", kernel)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert tree() == ["in.png"]


@contextmanager
def nobody():
    """Without the rights of root, which may read and write everything."""
    if not ROOT:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_unreadable_file_and_a_read_only_folder_are_refusals(capfd, monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        for name in ("shut.png", "open.png"):
            picture(name)
            run(
                ["filter", name, name, "-k", "blur", "-o", "made{number}.png"]
            )  # imports all it needs
            os.unlink("made1.png")
            os.unlink("made2.png")
        os.chmod("shut.png", 0)
        os.chmod(folder, 0o555)
        capfd.readouterr()
        refused = {
            "shut.png": "shut.png cannot be read: Permission denied",
            "open.png": "open.blur.png cannot be written: Permission denied",
            "open.png -o out/": "open.png: out cannot be made: Permission denied",
            "open.png --in-place": "open.png cannot be written: Permission denied",
        }
        for words, said in refused.items():
            with nobody():
                code = run(["filter", "-k", "blur", *words.split()])
            assert (code, *capfd.readouterr()) == (1, "", f"Error: {said}\n"), words
        assert tree() == ["open.png", "shut.png"]
        os.chmod(folder, 0o755)


def test_a_vanished_file_and_a_missing_folder_are_refusals(shell):
    assert (
        shell("filter gone.png -k blur")[2]
        == "Error: gone.png cannot be read: No such file or directory\n"
    )
    picture("in.png")
    code, _, err = shell("filter in.png -k blur -o none/out.png")
    assert (code, err) == (1, "Error: none/out.png cannot be written: No such file or directory\n")
    assert shell("filter in.png gone.png -k blur -o made/of/")[0] == 1
    assert tree() == ["in.png", "made/of/in.png"]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    for name in ("in.png", "in.ppm"):
        path = str(tmp_path / name)
        picture(path)
        prefetch = Prefetch(path)
        time.sleep(0.01)
        picture(path, 1)
        with pytest.raises(PictureError, match="changed while it was read"):
            open_picture(path, prefetch=prefetch)


def test_the_input_is_overwritten_in_place_alone(shell):
    picture("a.png", 1, (200, 200))
    picture("sub/b.jpg", 2)
    assert shell("filter a.png -k blur -o expected.png")[0] == 0
    mode = os.stat("a.png").st_mode
    assert (
        "never overwritten but with --in-place" in shell("filter a.png -k blur -o a.png --force")[2]
    )
    code, out, _ = shell("filter a.png sub -k blur --in-place")
    assert (code, out) == (0, "a.png\nsub/b.jpg\n")
    np.testing.assert_array_equal(samples("a.png"), samples("expected.png"))
    assert (tree(), os.stat("a.png").st_mode) == (["a.png", "expected.png", "sub/b.jpg"], mode)
    os.link("a.png", "c.png")
    code, _, err = shell("filter a.png c.png -k blur --in-place")
    assert (code, "are one file" in err) == (1, True)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_old_bytes_or_the_new(tmp_path):
    path = tmp_path / "in.png"
    picture(str(path), 3, (600, 500))
    old = path.read_bytes()
    words = [*COMMAND, "filter", str(path), "-k", "gaussian:3", "--in-place", "-q"]
    started = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    took, new = time.perf_counter() - started, path.read_bytes()
    assert new != old
    for number in range(6):
        path.write_bytes(old)
        with subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            time.sleep(took * (0.5 + number / 10))
            running.kill()
        assert path.read_bytes() in (old, new)
        assert os.listdir(tmp_path) == ["in.png"]


def test_links_are_not_followed_out_of_a_folder(shell):
    picture("in/a.png")
    picture("in/sub/b.png")
    picture("elsewhere/secret.png", 5)
    secret = Path("elsewhere/secret.png").read_bytes()
    os.mkdir("out")
    os.symlink("../elsewhere/secret.png", "out/a.png")
    os.symlink("../elsewhere", "out/sub")
    os.symlink("../elsewhere/made.png", "out/dangling.png")
    for line in (
        "filter in/a.png -k blur -o out/a.png --force",
        "filter in -k blur -o out/ --force",
        "filter in --recursive -k blur -o out/ --force",
        "filter in/a.png -k blur -o out/dangling.png --force",
    ):
        code, out, err = shell(line)
        assert (code, out) == (1, ""), line
        assert "link out of" in err
    assert tree("elsewhere") == ["secret.png"]
    assert Path("elsewhere/secret.png").read_bytes() == secret
    picture("out/real.png", 6)
    os.symlink("real.png", "out/alias.png")
    assert shell("filter in/a.png -k blur -o out/alias.png --force -q")[0] == 0
    assert os.path.islink("out/alias.png")


@contextmanager
def small_disk(folder):
    """A file system of half a megabyte, where this process may mount one."""
    os.makedirs(folder, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder]
    try:
        mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_halfway_loses_what_does_not_fit_and_nothing_else(shell):
    for number in range(12):
        picture(f"in/{number:02}.png", number, (160, 160))
    with small_disk("disk"):
        code, out, err = shell("filter in -k blur -o disk/ --report r.jsonl")
        done = out.split()
        assert code == 1
        assert 3 < len(done) < 12
        assert err.count("No space left on device") == 12 - len(done)
        assert [f"disk/{name}" for name in tree("disk")] == done
        for name in done:
            samples(name)
        assert (
            shell("filter in/00.png -k blur -o disk/one.npy")[2]
            == "Error: disk/one.npy cannot be written: No space left on device\n"
        )
        for name in done[3:]:
            os.unlink(name)
        assert shell("filter in/00.png in/01.png in/02.png in/03.png -k blur -o disk/ --resume")[
            1
        ].split() == [f"disk/0{number}.png" for number in range(4)]


def test_a_file_that_may_not_grow_is_refused_too(tmp_path):
    """The same with the limit of a process, which needs no mount."""
    picture(f"{tmp_path}/in.png", 0, (200, 200))
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # noqa: E731
    ended = convcli("filter", "in.png", "-k", "blur", cwd=tmp_path, preexec_fn=limit)
    assert (ended.returncode, ended.stderr) == (
        1,
        b"Error: in.blur.png cannot be written: File too large\n",
    )
    assert tree(tmp_path) == ["in.png"]


def children_of(pid):
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def worker_on(pid, path):
    """The worker of a batch that has a file open; waits until one has."""
    while True:
        for child in children_of(pid):
            with suppress(FileNotFoundError):  # it has just ended
                for link in Path(f"/proc/{child}/fd").iterdir():
                    if os.path.realpath(link) == path:
                        return child
        time.sleep(0.005)


def end(child, pipe):
    """Kill a worker, and close the pipe that it read once it cannot see that."""
    os.kill(child, signal.SIGKILL)
    while os.path.exists(f"/proc/{child}"):  # reaped: all that it had open is closed
        time.sleep(0.001)
    pipe.close()


@contextmanager
def stuck_batch(folder, count=9, stuck=5, **options):
    """A batch on two workers, one of which waits for a picture that comes through a named pipe."""
    for number in range(count):
        if number == stuck:
            os.mkfifo(f"{folder}/{number}.png")
        else:
            picture(f"{folder}/{number}.png", number)
    words = [f"{number}.png" for number in range(count)]
    running = subprocess.Popen(
        [*COMMAND, "filter", *words, "-k", "blur", "-o", "out/", "--jobs", "2"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip
    try:
        for _ in range(stuck):
            running.stdout.readline()
        with open(f"{folder}/{stuck}.png", "wb") as pipe:  # opens once a worker reads it
            yield running, pipe
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks at /proc")


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_batch_its_children_and_no_finished_work(tmp_path, sign):
    with stuck_batch(tmp_path) as (running, _):
        children = children_of(running.pid)
        assert len(children) == 2
        running.send_signal(sign)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert re.fullmatch(rb"interrupted: [5-9] of 9 done; --resume continues\n", err), err
    for child in children:
        assert not os.path.exists(f"/proc/{child}")
    done = tree(tmp_path / "out")
    assert done[:5] == ["0.png", "1.png", "2.png", "3.png", "4.png"]
    assert "5.png" not in done
    for name in done:  # whole, and no temporary file beside them
        assert re.fullmatch(r"\d\.png", name)
        samples(tmp_path / "out" / name)


INTERRUPTED_AT = """
import os, signal, sys
class Finder:
    def find_spec(name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
sys.argv = ["convcli", *{words!r}.split()]
from convcli.cli.main import main
Finder.find_spec("main")
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("threading", "--help"),
        ("click", "--help"),
        ("main", "--help"),
        ("convcli.cli.help", "--help"),
        ("convcli.cli.shape", "shape resnet18"),
        ("convcli.nets.readers.read", "shape resnet18"),
        ("numpy", "filter none.png -k blur"),
    ],
)
def test_ctrl_c_while_convcli_starts_is_130_without_a_word(name, words):
    """The signal comes while a module is looked for, or in front of `main`."""
    program = INTERRUPTED_AT.format(name=name, words=words)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@LINUX
def test_no_worker_outlives_a_batch_that_is_killed(tmp_path):
    with stuck_batch(tmp_path) as (running, _):
        children = children_of(running.pid)
        running.kill()
        running.wait()
        while any(os.path.exists(f"/proc/{child}") for child in children):
            time.sleep(0.05)
    for name in tree(tmp_path / "out"):
        assert re.fullmatch(r"\d\.png", name)
        samples(tmp_path / "out" / name)


@pytest.mark.slow
@LINUX
def test_a_killed_worker_costs_nothing(tmp_path):
    with stuck_batch(tmp_path) as (running, pipe):
        wanted = str(tmp_path / "5.png")
        stuck = worker_on(running.pid, wanted)
        end(stuck, pipe)
        picture(f"{tmp_path}/good.png", 5)
        with open(wanted, "wb") as again:
            again.write((tmp_path / "good.png").read_bytes())
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out.split()) == (
        0,
        [f"out/{number}.png".encode() for number in range(5, 9)],
    )
    assert err.startswith(b"9 of 9 pictures done")
    assert tree(tmp_path / "out") == [f"{number}.png" for number in range(9)]


@pytest.mark.slow
@LINUX
def test_a_picture_that_kills_its_workers_fails_alone(tmp_path):
    with stuck_batch(tmp_path) as (running, pipe):
        wanted = str(tmp_path / "5.png")
        for attempt in range(2):
            if attempt:
                pipe = open(wanted, "wb")  # noqa: SIM115
            stuck = worker_on(running.pid, wanted)
            end(stuck, pipe)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out.split()) == (
        1,
        [f"out/{number}.png".encode() for number in range(6, 9)],
    )
    assert (
        b"Error: 5.png: its worker was ended by SIGKILL, 2 times\n8 of 9 pictures done, 1 failed"
        in err
    )


@pytest.mark.slow
def test_a_closed_pipe_ends_a_batch_quietly(tmp_path):
    for number in range(20):
        picture(f"{tmp_path}/in/{number:02}.png", number, (200, 200))
    words = [*COMMAND, "filter", "in", "-k", "gaussian:2", "-o", "out/"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout.readline() == b"out/00.png\n"
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (0, b"")
    done = tree(tmp_path / "out")
    assert done
    for name in done:
        assert samples(tmp_path / "out" / name).shape == (200, 200, 3)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_stdout_ends_a_batch_with_a_refusal(tmp_path):
    picture(f"{tmp_path}/a.png")
    picture(f"{tmp_path}/b.png")
    with open("/dev/full", "wb") as full:
        words = [*COMMAND, "filter", "a.png", "b.png", "-k", "blur", "-o", "out/"]
        ended = subprocess.run(
            words, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 1
    assert b"standard output: No space left on device" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_arrays_that_hold_objects_are_never_unpickled(shell):
    np.save("k.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    picture("in.png")
    code, out, err = shell("filter in.png -k @k.npy -o out.png")
    assert (code, out) == (2, "") or code == 1
    assert "Traceback" not in err
    assert tree() == ["in.png", "k.npy"]


@pytest.mark.slow
def test_no_source_file_evaluates_or_unpickles():
    package = Path(__file__).parents[2] / "convcli"
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        for word in ("pickle.load", "allow_pickle=True", "shell=True", "yaml.load"):
            assert word not in text, (path.name, word)
        assert not evaluations(text), path.name
    assert evaluations("eval(x)\nbuiltins.eval(x)\ny.exec(x)\nliteral_eval(x)\n'.eval(x)'") == 3


def evaluations(text):
    """How many calls of a text are of eval or exec, whatever they are reached through."""
    if not re.search(r"\b(eval|exec)\b", normalize("NFKC", text)):  # as names are read
        return 0
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    names = [getattr(one, "id", getattr(one, "attr", "")) for one in calls]
    return sum(name in ("eval", "exec") for name in names)


def test_the_contract_is_tested_row_by_row():
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text("utf-8")
    table = text.partition("\n| fault |")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines()[2:] if line.startswith("|")]
    assert len(rows) >= 33
    folders = Path(__file__).parent, Path(__file__).parents[1] / "nets"
    tests = "".join(file.read_text() for one in folders for file in one.glob("test_*.py"))
    for row in rows:
        names = re.findall(r"`(test_\w+)`", row)
        assert names, row
        for name in names:
            assert f"def {name}(" in tests, row


def test_pictures_are_closed_however_reading_ends(tmp_path):
    """ResourceWarnings are errors in this suite; so they are in a process of its own."""
    for name, (data, _) in BAD.items():
        (tmp_path / name).write_bytes(data)
    picture(f"{tmp_path}/good.png")
    Image.new("L", (4, 4)).save(tmp_path / "grey.tif")
    ended = convcli("filter", ".", "-k", "blur", "-o", "out/", "--jobs", "1", cwd=tmp_path)
    assert b"ResourceWarning" not in ended.stderr
    assert ended.stdout == b"out/good.png\nout/grey.tif\n"


def child_processes(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_picture_that_takes_too_long_is_named(tmp_path):
    """A named pipe that nobody writes to is waited for without end; the picture beside it is not."""
    os.mkfifo(tmp_path / "slow.png")
    Image.new("L", (9, 9)).save(tmp_path / "good.png")
    words = ["filter", "slow.png", "good.png", "-k", "blur", "-o", "out/", "--timeout", "1"]
    ended = convcli(*words, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, b"out/good.png\n")
    assert b"Error: slow.png: it took more than 1 seconds, the --timeout\n" in ended.stderr
    assert os.listdir(tmp_path / "out") == ["good.png"]


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks at /proc")
def test_a_worker_that_dies_behind_its_rename_filters_once(tmp_path):
    """All workers are killed at the moment a picture has been replaced: none is filtered twice."""
    rng = np.random.default_rng(1)
    (tmp_path / "in").mkdir()
    for name in ("0.ppm", "1.ppm"):
        Image.fromarray(rng.integers(0, 256, (900, 1200, 3), np.uint8)).save(tmp_path / "in" / name)
    words = ["filter", "in", "-k", "sharpen", "-q"]
    assert convcli(*words, "-o", "once/", cwd=tmp_path).returncode == 0
    first = tmp_path / "in" / "0.ppm"
    inode = first.stat().st_ino
    batch = subprocess.Popen(
        [*COMMAND, *words, "--in-place", "--jobs", "2"], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    while first.stat().st_ino == inode and batch.poll() is None:
        time.sleep(0.0005)
    for child in child_processes(batch.pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    assert batch.wait() == 0
    for name in ("0.ppm", "1.ppm"):
        assert (tmp_path / "in" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


STARTED = {
    # what stands there when a task is tried again → its status, what is noted, whose bytes it has
    "as it was": ("in.png", "done", (), "once"),
    "filtered": ("once.png", "done", (), "once"),
    "another's": ("other.png", "failed", (), "other"),
    "filtered, without a record": ("once.ppm", "done", ("not filtered again",), "once"),
}


@pytest.mark.parametrize("case", STARTED)
def test_a_task_that_is_tried_again_looks_at_what_is_there(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there, status, notes, bytes_of = STARTED[case]
    suffix = os.path.splitext(there)[1]
    picture("in.png")
    picture("other.png", 7)
    record = spec_of(FilterOptions(kernels=("blur",))).options.record()
    work = worker(FilterJob(record=record))
    if suffix == ".ppm":
        Image.open("in.png").save("in.ppm")
    assert work(Task(f"in{suffix}", f"once{suffix}")).status == "done"
    before = file_state(f"in{suffix}")
    expected = samples(f"{bytes_of}{suffix}")
    if not there.startswith("in"):
        os.replace(there, f"in{suffix}")
    outcome = work(Task(f"in{suffix}", f"in{suffix}", True, before))
    assert outcome.status == status, outcome
    assert [note in said for note, said in zip(notes, outcome.notes, strict=True)] == [True] * len(
        notes
    )
    np.testing.assert_array_equal(samples(f"in{suffix}"), expected)


ENDLESS = {
    "filter - -k blur -o out.png": (b"", "is not a picture of a kind convcli reads"),
    "filter /dev/zero -k blur -o out.png": (b"", "is not a picture of a kind convcli reads"),
    "extract -": (b"", "is not a picture of a kind convcli reads"),
    "filter -  -k blur -o out.png --max-memory 80MiB": (
        b"P5 4 4 255\n",
        "longer than 80 MiB, the limit of a pipe",
    ),
    "extract - --max-memory 80MiB": (
        b"\xff\xd8\xff\xe0",
        "longer than 80 MiB, the limit of a pipe",
    ),
    "extract a.png --net lenet5 --weights /dev/zero -q": (
        b"",
        "/dev/zero cannot be read: it is not a reg",
    ),
    "shape - --input 3": (b"relu\n", "is larger than 20,000,000 bytes"),
    "filter --files-from - -0 -k blur -o out/": (b"", "has more than 268,435,456 bytes"),
}


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="reads /dev/zero")
@pytest.mark.parametrize("words", ENDLESS)
def test_a_pipe_without_an_end_is_refused(words, tmp_path):
    picture(tmp_path / "a.png")
    start, said = ENDLESS[words]
    feeder = subprocess.Popen(
        ["sh", "-c", 'printf "$1" | cat - /dev/zero', "sh", "".join(f"\\{b:03o}" for b in start)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    done = convcli(*words.split(), stdin=feeder.stdout, cwd=tmp_path)
    feeder.stdout.close()
    feeder.wait()
    assert said in done.stderr.decode()
    assert (done.returncode in (1, 2), done.stdout, done.stderr.count(b"\n")) == (True, b"", 1)


CLOSED = {
    "filter in -k blur -q -o out/ 2>&-": 0,
    "filter in -k blur -q -o out/ --jobs 2 2>&-": 0,
    "filter in -k blur -q --in-place --jobs 2 2>&- <&-": 0,
    "extract in --vector mean -q 2>&-": 0,
    "filter --files-from - -k blur -o out/ <&-": 2,
    "filter - -k blur -o out.png <&-": 1,
    "shape relu --input 3 >&-": 1,
}


@pytest.mark.parametrize("line", CLOSED)
def test_closed_descriptors_cost_nothing_but_what_they_hold(line, tmp_path):
    for number in range(2):
        picture(str(tmp_path / "in" / f"{number}.png"), number)
    words = " ".join(map(str, COMMAND))
    done = subprocess.run(
        ["sh", "-c", f"{words} {line}"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == CLOSED[line], done.stderr
    assert b"Traceback" not in done.stderr
    if CLOSED[line] == 0 and "-o out/" in line:
        assert tree(tmp_path / "out") == ["0.png", "1.png"]


def test_extract_obeys_the_limit_of_memory_for_every_picture(tmp_path):
    """The prediction is that of the largest picture, which is refused, whichever comes first."""
    picture(str(tmp_path / "a.png"), 0, (64, 64))
    picture(str(tmp_path / "b.png"), 1, (1600, 1600))
    for names in (("a.png", "b.png"), ("b.png", "a.png")):
        words = ["extract", *names, "--vector", "mean", "--max-memory", "120MiB", "-v"]
        done = convcli(*words, cwd=tmp_path)
        err = done.stderr.decode()
        assert done.returncode == 1
        assert ", for b.png" in err
        assert re.search(r"b.png: 1600x1600 pixels \(RGB\) need 15\d[.\d]* MiB of memory", err), err
        assert done.stdout.count(b"a.png") == 1


def test_results_whose_recipe_is_not_known_are_said_when_they_are_skipped(shell):
    for number in range(2):
        picture(f"in/{number}.ppm", number)
    assert shell("filter in -k blur -o out/ -q")[0] == 0
    code, _, err = shell("filter in -k sobel -o out/ --resume")
    assert (code, "2 skipped (recipe of 2 not known)" in err) == (0, True)
    code, _, err = shell("filter in/0.ppm -k sobel -o out/ --resume")
    assert (code, "its recipe is unknown" in err) == (0, True)


DIGITS = {
    "shape --input 8 input(0x%s,3,3)": ("f" * 4000, 2, "is too large"),
    "shape --input 8 conv(%s,3)": ("9" * 5000, 2, "cannot be read"),
    "shape --input 8 --format json repeat(15000,[maxpool(1,stride=2)])": ("", 1, "more than 10^30"),
    "filter in.png -k blur -o out.png --iterations 1000000000": ("", 2, "more than 100"),
    "filter in.png -k 1/%s -o out.png": ("\u0660", 2, "is not a number"),
    "filter in.png -k %s -o out.png": ("9" * 5000, 2, "beyond the limit"),
    "filter in.png -k blur -o out.png --bias %s": ("9" * 5000, 2, "beyond the limit"),
    "solve --input %s --output 1": ("9" * 50, 2, "too large"),
}


@pytest.mark.parametrize("words", DIGITS)
def test_numbers_without_end_are_one_line(shell, words):
    picture("in.png")
    digits, code, said = DIGITS[words]
    started = time.process_time()
    ended, out, err = shell(words.replace("%s", digits))
    assert (ended, said in err) == (code, True), err
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    assert not out or "repeat" in words  # the layers up to the one that is refused
    assert time.process_time() - started < 5
    assert tree() == ["in.png"]


TILES = 2**12


def of_parts(folder):
    """Small files of very many parts: name → what there are too many of."""
    one = b"\x21\xf9\x04\0\0\0\0\0" + b",\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02D\x01\0"
    head = b"GIF89a\x08\0\x08\0\x80\0\0\0\0\0\xff\xff\xff"
    (folder / "frames.gif").write_bytes(head + one * 5000 + b";")

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    texts = b"".join(chunk(b"tEXt", b"%d\0" % number) for number in range(10_001))
    data = png(1, 1)
    (folder / "texts.png").write_bytes(data[:33] + texts + data[33:])
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(10**8), 9))
    (folder / "profile.png").write_bytes(data[:33] + profile + data[33:])
    tags = [(256, 4, 8), (257, 4, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 4, 8), (279, 4, 64)]
    page = struct.pack("<H", 9) + b"".join(struct.pack("<HHLL", t, k, 1, v) for t, k, v in tags)
    size, pages = len(page) + 4, 4100
    ends = [8 + number * size for number in range(1, pages)] + [0]
    body = b"".join(page + struct.pack("<L", end) for end in ends)
    (folder / "pages.tif").write_bytes(b"II*\0" + struct.pack("<L", 8) + body + bytes(99))
    count, start = TILES + 1, 8 + 2 + 12 * 9 + 4
    tags = [(256, 4, 1, 8), (257, 4, 1, count), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, count, start), (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, count, start)]
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", 9)
    head += b"".join(struct.pack("<HHLL", *tag) for tag in tags) + bytes(4)
    (folder / "strips.tif").write_bytes(head + struct.pack("<L", 8) * count)


@pytest.mark.slow
def test_a_file_of_very_many_parts_is_refused(shell, tmp_path, monkeypatch):
    assert headers.MAX_TILES == 2**18
    monkeypatch.setattr(headers, "MAX_TILES", TILES)  # Pillow takes seconds to list as many
    of_parts(tmp_path)
    said = {
        "frames.gif": "more than 4,096 frames",
        "texts.png": "more than 10,000 texts",
        "profile.png": "Decompressed data too large",
        "pages.tif": "more than 4,096 pages",
        "strips.tif": "more than 4,096 tiles or strips",
    }
    for name, why in said.items():
        for words in (f"filter {name} -k blur -o out.png", f"extract {name} --vector mean"):
            code, out, err = shell(words)
            assert (code, out, why in err, err.count("\n")) == (1, "", True, 1), err
