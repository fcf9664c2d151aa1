"""A line of shell on a terminal of 80 columns without colour, as a reader would see it."""

import os
import pty
import re
import shlex
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stdout
from io import BytesIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from convcli.cli.main import run

SIZE = (24, 80)


def shell_line(line: str) -> str:
    """The same line with `convcli` as the one of the Python that runs this."""
    convcli = f"{shlex.quote(sys.executable)} -m convcli"
    return re.sub(r"(?<![\w/.-])convcli(?= )", lambda _: convcli, line)


def steps_of(line: str, folder: Path) -> list[tuple[str, list[str]]] | None:
    """The commands of a line, each behind the sign that joins it to the one before.

    None for a line that takes a shell: with other signs than |, && and >, or a command in a word.
    """
    tokens = shlex.shlex(line, posix=True, punctuation_chars=True)
    tokens.whitespace_split = True
    steps: list[tuple[str, list[str]]] = [("&&", [])]
    for word in tokens:
        words = steps[-1][1]
        if word in ("|", "&&", ">"):
            steps.append((word, []))
        elif set(word) <= set("&;<>()|") or word.endswith("$") or "convcli " in word:
            return None
        elif "*" in word and words[0] == "convcli":
            words.extend(sorted(str(path.relative_to(folder)) for path in folder.glob(word)))
        else:
            words.append(word)
    starts = [words[0] for _, words in steps]
    return steps if "convcli" in starts and "xargs" not in starts else None


class Terminal(TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shell(line: str, folder: Path, stream: type[TextIOWrapper] = TextIOWrapper) -> str:
    """What a line prints, where it ends with 0: in a pipe, or into a stream of this process.

    What is convcli's of the line runs in this process if that takes no shell.
    """
    steps = steps_of(line, folder)
    if steps is None:
        ended = subprocess.run(
            ["bash", "-o", "pipefail", "-ec", shell_line(line)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
    printed, given = [], b""
    for (sign, words), (into, _) in pairwise([*steps, ("&&", [])]):
        if sign == ">":
            (folder / words[0]).write_bytes(given)
            continue
        given = step(words, given, folder, stream if into == "&&" else TextIOWrapper)
        if into == "&&":
            printed.append(given.decode())
            given = b""
    return "".join(printed)


def step(words: list[str], given: bytes, folder: Path, stream: type[TextIOWrapper]) -> bytes:
    """What a command prints, given this on standard input."""
    if words[0] != "convcli":
        ended = subprocess.run(words, cwd=folder, input=given, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
    before = sys.stdin
    with stream(BytesIO(), "utf-8") as pipe, TextIOWrapper(BytesIO(given), "utf-8") as sys.stdin:
        try:
            with chdir(folder), redirect_stdout(pipe):
                assert run(words[1:]) == 0
        finally:
            sys.stdin = before
        pipe.flush()
        return pipe.buffer.getvalue()


def on_terminal(line: str, folder: Path, reader: bool = False) -> tuple[int, str]:
    """Exit code of a line, and what it leaves on the terminal, without codes for colour.

    Standard input is the terminal where a `reader` sits at it, and empty elsewhere. A line of
    convcli alone, without a reader, runs in this process.
    """
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, SIZE)
    environment = {
        key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")
    } | {"NO_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    steps = steps_of(line, folder)
    with ThreadPoolExecutor(1) as beside:
        shown = beside.submit(all_of, main)
        try:
            if steps is not None and len(steps) == 1 and not reader:
                code = on_descriptor(steps[0][1][1:], folder, terminal, environment)
            else:
                code = subprocess.run(
                    ["bash", "-o", "pipefail", "-c", shell_line(line)],
                    cwd=folder,
                    env=environment,
                    stdin=terminal if reader else subprocess.DEVNULL,
                    stdout=terminal,
                    stderr=terminal,
                    check=False,
                ).returncode
        finally:
            os.close(terminal)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.result().decode())
    os.close(main)
    return code, "\n".join(row.rstrip() for row in text.replace("\r\n", "\n").splitlines())


def all_of(main: int) -> bytes:
    """What is written to a terminal until nobody has it open."""
    shown = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # Linux: nobody writes any more
            return shown
        if not part:
            return shown
        shown += part


def on_descriptor(
    words: list[str], folder: Path, terminal: int, environment: dict[str, str]
) -> int:
    """Exit code of convcli in this process, with a terminal as its output."""
    streams, kept = (sys.stdin, sys.stdout, sys.stderr), [os.dup(number) for number in range(3)]
    with (
        open(os.devnull) as nothing,
        chdir(folder),
        patch.dict(os.environ, environment, clear=True),
    ):
        for number, source in enumerate((nothing.fileno(), terminal, terminal)):
            os.dup2(source, number)
        try:
            with (
                open(0, closefd=False) as sys.stdin,
                open(1, "w", closefd=False) as sys.stdout,
                open(2, "w", 1, closefd=False) as sys.stderr,
            ):
                return run(words)
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            for number, source in enumerate(kept):
                os.dup2(source, number)
                os.close(source)
