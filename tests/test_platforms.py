"""What other systems lack is guarded: macOS and Windows, simulated on the system that runs this."""

import builtins
import ntpath
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convcli.batch.runner import cores
from convcli.cli.main import run
from convcli.images.io import atomic, source
from convcli.runtime import memory_estimate

MISSING = {
    "darwin": ("sched_getaffinity", "O_TMPFILE", "posix_fadvise", "memfd_create"),
    "win32": (
        *("sched_getaffinity", "O_TMPFILE", "posix_fadvise", "memfd_create", "pwrite", "pread"),
        *("fork", "register_at_fork", "sysconf", "getuid", "geteuid", "getgid", "mkfifo", "chown"),
        *(
            "fchmod",
            "fchown",
            "statvfs",
            "killpg",
            "getpgid",
            "setsid",
            "O_NOFOLLOW",
            "O_DIRECTORY",
        ),
    ),
}
"""Names of `os` that a system does not have, as its documentation says."""

MODULES = ("resource", "fcntl", "termios", "pty", "pwd", "grp")
"""What Python has on POSIX alone."""


@contextmanager
def system(name):
    """A system without /proc and /sys, without some names of `os`, and Windows without modules."""
    opened = builtins.open

    def open_(file, *words, **named):
        if isinstance(file, str) and file.startswith(("/proc/", "/sys/")):
            raise FileNotFoundError(2, "No such file or directory", file)
        return opened(file, *words, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "open", open_)
        patch.setattr(tempfile, "_O_TMPFILE_WORKS", False)
        for missing in MISSING[name]:
            patch.delattr(os, missing, raising=False)
        if name == "win32":
            changed = os.chmod
            patch.setattr(os, "chmod", lambda path, mode: changed(os.fspath(path), mode))
            for module in MODULES:
                patch.setitem(sys.modules, module, None)
        yield


LINES = (
    "filter in/a.png -k sharpen -o one.png",
    "filter in/a.png -k gaussian:2 -o one.ppm",
    "filter in -k sobel -o out/",
    "filter in -k sobel -o out/ --resume",
    "filter in/b.png -k blur --in-place",
    "extract in --vector mean -o set.npz",
    "extract in/a.png -o maps.png -v",
    "explain --input 4x4 --kernel 3 -o walk.gif",
    "shape resnet18 -q",
)


def files():
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", MISSING)
def test_another_system_gives_the_same_files(name, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    Path("in").mkdir()
    for picture in ("in/a.png", "in/b.png"):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(picture)
    inputs = files()
    assert [run(line.split()) for line in LINES] == [0] * len(LINES)
    here, printed = files(), capfd.readouterr().out
    for path in here:
        os.unlink(path)
    for path, data in inputs.items():
        Path(path).write_bytes(data)
    with system(name):
        codes = [run(line.split()) for line in LINES]
    assert (codes, files().keys()) == ([0] * len(LINES), here.keys())
    assert [path for path, data in files().items() if data != here[path]] == []

    def cells(text):
        return [line.split("\t")[:3] for line in text.splitlines()]  # behind them are milliseconds

    assert cells(capfd.readouterr().out) == cells(printed)


def test_memory_and_cores_are_those_that_the_system_tells(monkeypatch):
    with system("win32"):
        windows = cores(), source.available(), memory_estimate.peak_resident()
        held = memory_estimate.resident()
    assert (windows, held) == ((os.cpu_count(), 2**62, None), 0)
    usage = SimpleNamespace(
        getrusage=lambda _: SimpleNamespace(ru_maxrss=123_456_789),
        RUSAGE_SELF=0,
        getrlimit=lambda _: (-1, -1),
        RLIMIT_AS=0,
        RLIM_INFINITY=-1,
    )
    monkeypatch.setitem(sys.modules, "resource", usage)
    monkeypatch.setattr(sys, "platform", "darwin")
    with system("darwin"):
        free, held = source.available(), memory_estimate.resident()
    assert 0 < free < 2**62  # sysconf knows the memory of macOS
    assert held == 123_456_789  # bytes there, KiB on Linux


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        (r"C:\out\a.png", r"C:\out", True),
        (r"c:\Out\a.png", r"C:\out", True),
        (r"D:\out\a.png", r"C:\out", False),
        (r"C:\outer\a.png", r"C:\out", False),
        (r"C:\a.png", "C:\\", True),
    ],
)
def test_folders_on_other_drives_are_outside(monkeypatch, path, folder, inside):
    monkeypatch.setattr(atomic.os, "path", ntpath)
    answer = atomic.is_inside(path, folder)
    monkeypatch.undo()
    assert answer is inside
