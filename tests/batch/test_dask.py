"""Batches on a Dask cluster, which is started as docs/batches.md says; one of its workers is killed."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from batches import picture, tree
from terminal import shell as on_shell

from convcli.cli.main import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not find_spec("distributed"), reason="Dask is an extra: pip install 'convcli[dask]'"
    ),
]

ROOT = Path(__file__).parents[2]
(LINES,) = re.findall(
    r"^```cluster\n(.*?)^```", (ROOT / "docs" / "batches.md").read_text("utf-8"), re.S | re.M
)
LOCAL = ["--host", "127.0.0.1", "--no-dashboard"]
WORDS = ["-k", "gaussian:2"]


class Cluster:
    """A scheduler on loopback and its workers, from the lines of docs/batches.md."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{port}"
        text = LINES.replace("8786", port).replace("host:", "127.0.0.1:").replace("auto", "1")
        lines = [line.partition("  #")[0].strip() for line in text.splitlines()]
        self.scheduler_line, self.worker_line, *self.lines = lines
        self.scheduler = self._start(self.scheduler_line)
        self.workers = [self.add_worker()]

    def _start(self, line: str, *options: str) -> "subprocess.Popen[bytes]":
        assert line.startswith("dask ")
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *line.split(), *LOCAL, *options],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def add_worker(self) -> "subprocess.Popen[bytes]":
        return self._start(self.worker_line, "--no-nanny")

    def wait(self, count: int) -> None:
        """Until so many workers are there."""
        from distributed import Client

        with Client(self.address, timeout=120, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=120)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.wait(1)
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def shell(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = run(words)
        return code, *capfd.readouterr()

    return call


def test_the_lines_of_the_readme_run(cluster, tmp_path):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    assert len(cluster.lines) == 2
    for line in cluster.lines:
        assert on_shell(line, tmp_path).split() == ["out/cat.jpg", "out/chart.png", "out/leaf.png"]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="looks at /proc")
def test_a_killed_machine_costs_nothing_and_bytes_are_those_of_a_local_run(cluster, shell):
    """One picture comes through a named pipe: the worker that waits for it is killed."""
    for number in range(30):
        picture(f"in/{number:02}.png", number, (90, 80))
    Path("in/17.png").write_bytes(b"not a picture")
    names = [name for name in tree("in") if name != "17.png"]
    code, expected, _ = shell("filter", "in", *WORDS, "-o", "local/")
    assert (code, expected.split()) == (1, [f"local/{name}" for name in names])
    data = Path("in/09.png").read_bytes()
    os.unlink("in/09.png")
    os.mkfifo("in/09.png")
    cluster.workers.append(cluster.add_worker())
    cluster.wait(2)
    killed = []

    def kill() -> None:
        path = os.path.realpath("in/09.png")
        with suppress(BrokenPipeError), open(path, "wb"):  # opens once a worker reads it
            worker = next(one for one in cluster.workers if path in open_files(one.pid))
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            killed.append(worker)
        with open(path, "wb") as again:
            again.write(data)

    killer = Thread(target=kill)
    killer.start()
    code, out, err = shell(
        "filter", "in", *WORDS, "-o", "out/", "--scheduler", cluster.address, "--report", "r.jsonl"
    )
    killer.join()
    cluster.workers.remove(*killed)
    assert (code, out) == (1, expected.replace("local/", "out/"))
    assert "in/17.png is not a picture" in err
    assert "29 of 30 pictures done, 1 failed" in err
    assert "Traceback" not in err
    assert tree("out") == tree("local") == names
    for name in names:
        assert Path("out", name).read_bytes() == Path("local", name).read_bytes()


def open_files(pid):
    """What a process has open."""
    return {os.path.realpath(link) for link in Path(f"/proc/{pid}/fd").iterdir()}


def test_bytes_are_sent_and_resumed(cluster, shell):
    for number in range(8):
        picture(f"in/{number}.png", number, (90, 80))
    Path("in/5.png").write_bytes(b"not a picture")
    assert shell("filter", "in", *WORDS, "-o", "local/", "-q")[0] == 1
    words = ["filter", "in", *WORDS, "-o", "sent/", "--scheduler", cluster.address]
    code, out, _ = shell(*words, "--ship", "bytes")
    assert (code, out.split()) == (1, [f"sent/{name}" for name in tree("local")])
    for name in tree("local"):
        assert Path("sent", name).read_bytes() == Path("local", name).read_bytes()
    os.unlink("sent/2.png")
    _, _, err = shell(*words, "--ship", "bytes", "--resume")
    assert "6 skipped, 1 failed" in err
    assert tree("sent") == tree("local")


def test_vectors_and_networks_of_another_folder_are_those_of_a_local_run(
    cluster, shell, monkeypatch
):
    for number in range(3):
        picture(f"in/{number}.png", number, (90, 80))
    Path("in/bad.png").write_bytes(b"not a picture")
    words = ["extract", "in", "--vector", "mean", "-q"]
    there = shell(*words, "--scheduler", cluster.address)
    assert there == shell(*words, "--jobs", "1")
    assert there[1].count("\n") == 3
    model = "import torch.nn as nn\nclass Net(nn.Module):\n"
    model += " def __init__(self):\n  super().__init__()\n  self.c = nn.Conv2d(3, 2, 1)\n"
    model += " def forward(self, x):\n  return self.c(x)\n"
    os.mkdir("sub")
    monkeypatch.chdir("sub")
    Path("net.py").write_text(model)
    np.savez("w.npz", **{"c.weight": np.ones((2, 3, 1, 1), "f4"), "c.bias": np.zeros(2, "f4")})
    words = ["extract", "../in/0.png", "../in/1.png", "--net", "net.py:Net"]
    words += ["--weights", "w.npz", "--vector", "mean", "-q"]
    there = shell(*words, "--scheduler", cluster.address)
    assert there == shell(*words, "--jobs", "1")
    assert (there[0], there[1].count("\n"), there[2]) == (0, 2, "")


ADDRESSES = {
    "nonsense": (2, "is not an address of a scheduler"),
    "http://127.0.0.1:{port}": (2, "is not an address of a scheduler"),
    "tcp://127.0.0.1:99999": (2, "is not an address of a scheduler"),
    "tcp://nohost.invalid:8786": (1, "no Dask scheduler answers at tcp://nohost.invalid:8786: "),
    "tcp://127.0.0.1:{port}": (1, "within 1 seconds"),
    "ws://127.0.0.1:{port}": (1, "no Dask scheduler answers at ws://"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_scheduler_is_a_refusal(address, shell, monkeypatch):
    """A socket that accepts and says nothing stands for servers of other protocols too."""
    monkeypatch.setattr("convcli.batch.dask.CONNECTING", 1)
    picture("in.png")
    code, said = ADDRESSES[address]
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(9)
        where = address.format(port=silent.getsockname()[1])
        ended, out, err = shell("filter", "in.png", "-k", "blur", "--scheduler", where)
    assert (ended, out, said in err, "Traceback" in err) == (code, "", True, False), err
    assert os.listdir() == ["in.png"]


def test_something_else_that_talks_is_no_scheduler(shell):
    picture("in.png")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)

        def talk() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"SSH-2.0-OpenSSH")

        talker = Thread(target=talk)
        talker.start()
        where = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        code, _, err = shell("filter", "in.png", "-k", "blur", "--scheduler", where)
        talker.join()
    assert (code, "another program listens there" in err) == (1, True), err


PACKAGES = {
    "raise ModuleNotFoundError('convcli')": "has no convcli, this is",
    "__version__ = '0.0.1'": "has convcli 0.0.1, this is",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_workers_of_another_version_are_refused(package, shell, tmp_path, monkeypatch):
    (tmp_path / "convcli").mkdir()
    (tmp_path / "convcli" / "__init__.py").write_text(package)
    picture("in/0.png")
    with monkeypatch.context() as other:
        other.setenv("PYTHONPATH", str(tmp_path))
        other.setenv("PYTHONDONTWRITEBYTECODE", "1")
        strange = Cluster(tmp_path)
    try:
        strange.wait(1)
        words = ["filter", "in", *WORDS, "-o", "out/", "--scheduler", strange.address]
        code, out, err = shell(*words)
    finally:
        strange.close()
    assert (code, out, PACKAGES[package] in err, "Traceback" in err) == (1, "", True, False), err
    assert tree() == ["convcli/__init__.py", "in/0.png"]


def test_a_scheduler_that_dies_ends_the_batch(shell, tmp_path):
    for number in range(3):
        picture(f"in/{number}.png", number, (90, 80))
    mortal = Cluster(tmp_path)
    try:
        mortal.wait(1)
        os.unlink("in/1.png")
        os.mkfifo("in/1.png")

        def kill() -> None:
            with open("in/1.png", "wb"):  # opens once the worker reads it
                mortal.scheduler.kill()
                mortal.scheduler.wait()

        killer = Thread(target=kill)
        killer.start()
        words = ["filter", "in", *WORDS, "-o", "out/", "--scheduler", mortal.address]
        code, _, err = shell(*words)
        killer.join()
    finally:
        mortal.close()
    assert (code, "Traceback" in err) == (1, False), err
    assert err.splitlines()[-1].endswith("is gone; finished results are kept")
    assert "0.png" in tree("out")


def test_a_scheduler_that_does_not_answer_is_a_refusal(shell, monkeypatch):
    monkeypatch.setattr("convcli.batch.dask.CONNECTING", 1)
    picture("in.png")
    code, _, err = shell("filter", "in.png", "-k", "blur", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 1
    last = err.splitlines()[-1]
    assert last.startswith("Error: no Dask scheduler answers at tcp://127.0.0.1:9")
    assert os.listdir() == ["in.png"]
