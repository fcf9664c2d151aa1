"""A batch on a real Dask scheduler with two workers on this machine, one of which is killed."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from batches import COMMAND, convcli, picture, tree

from convcli.cli.main import run

pytest.importorskip("distributed", reason="Dask is an extra: pip install 'convcli[dask]'")

DASK = [sys.executable, "-W", "ignore", "-m", "dask"]


@contextmanager
def cluster(folder, workers=2):
    """The address of a scheduler on loopback, and its worker processes."""
    started = []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    file = Path(folder, "scheduler.json")
    try:
        words = [*DASK, "scheduler", *local, "--port", "0", "--scheduler-file", str(file)]
        started.append(subprocess.Popen(words, **quiet))
        while not file.exists() or "tcp://" not in file.read_text():
            assert started[0].poll() is None
            time.sleep(0.05)
        address = re.search(r"tcp://[0-9.:]+", file.read_text())[0]
        words = [*DASK, "worker", address, *local, "--no-nanny", "--nthreads", "1"]
        started += [subprocess.Popen(words, **quiet) for _ in range(workers)]
        from distributed import Client

        with Client(address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address, started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def test_a_killed_machine_costs_nothing_and_bytes_are_those_of_a_local_run(tmp_path):
    for number in range(200):
        picture(f"{tmp_path}/in/{number:03}.png", number, (90, 80))
    (tmp_path / "in/077.png").write_bytes(b"no picture")
    names = tree(tmp_path / "in")
    local = convcli("filter", "in", "-k", "gaussian:2", "-o", "local/", cwd=tmp_path)
    assert local.returncode == 1
    words = ["filter", "in", "-k", "gaussian:2"]
    with cluster(tmp_path) as (address, workers):
        running = subprocess.Popen(
            [*COMMAND, *words, "-o", "out/", "--scheduler", address, "--report", "r.jsonl"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        first = [running.stdout.readline() for _ in range(60)]
        workers[0].send_signal(signal.SIGKILL)
        rest, err = running.communicate(timeout=120)
        done = [f"out/{name}".encode() for name in names if name != "077.png"]
        assert b"".join(first).split() + rest.split() == done, err[-2000:]
        assert running.returncode == 1
        assert b"in/077.png is not a picture" in err
        assert b"199 of 200 pictures done, 1 failed" in err
        assert b"Traceback" not in err
        # the same as bytes, by the worker that is left, and resumed
        shipped = convcli(
            *words, "-o", "sent/", "--scheduler", address, "--ship", "bytes", "-q", cwd=tmp_path
        )
        assert shipped.stdout.split() == [name.replace(b"out/", b"sent/") for name in done]
        again = convcli(
            *words,
            "-o",
            "sent/",
            "--scheduler",
            address,
            "--ship",
            "bytes",
            "--resume",
            cwd=tmp_path,
        )
        assert b"199 skipped, 1 failed" in again.stderr
        lines = convcli(
            "extract", "in", "--vector", "mean", "--scheduler", address, "-q", cwd=tmp_path
        )
        alone = convcli("extract", "in", "--vector", "mean", "--jobs", "1", "-q", cwd=tmp_path)
        assert lines.stdout == alone.stdout
        assert lines.stdout.count(b"\n") == 199
        # weights and networks that are named from another folder
        model = "import torch.nn as nn\nclass Net(nn.Module):\n"
        model += " def __init__(self):\n  super().__init__()\n  self.c = nn.Conv2d(3, 2, 1)\n"
        model += " def forward(self, x):\n  return self.c(x)\n"
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub/net.py").write_text(model)
        held = {"c.weight": np.ones((2, 3, 1, 1), "f4"), "c.bias": np.zeros(2, "f4")}
        np.savez(tmp_path / "sub/w.npz", **held)
        words = ["extract", "../in/000.png", "../in/001.png", "--net", "net.py:Net"]
        words += ["--weights", "w.npz", "--vector", "mean", "-q"]
        there = convcli(*words, "--scheduler", address, cwd=tmp_path / "sub")
        here = convcli(*words, "--jobs", "1", cwd=tmp_path / "sub")
        assert (there.stdout, there.stderr) == (here.stdout, b"")
        assert there.stdout.count(b"\n") == 2
    assert (
        tree(tmp_path / "out")
        == tree(tmp_path / "sent")
        == [name for name in names if name != "077.png"]
    )
    for name in tree(tmp_path / "local"):
        same = (tmp_path / "local" / name).read_bytes()
        assert (tmp_path / "out" / name).read_bytes() == same
        assert (tmp_path / "sent" / name).read_bytes() == same


def test_a_scheduler_that_does_not_answer_is_a_refusal(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("convcli.batch.dask.CONNECTING", 1)
    picture("in.png")
    assert run(["filter", "in.png", "-k", "blur", "--scheduler", "tcp://127.0.0.1:9"]) == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("Error: no Dask scheduler answers at tcp://127.0.0.1:9")
    assert os.listdir() == ["in.png"]
