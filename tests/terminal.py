"""A line of shell on a terminal of 80 columns without colour, as a reader would see it."""

import os
import pty
import re
import shlex
import subprocess
import sys
import termios
from contextlib import chdir, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

from convcli.cli.main import run

SIZE = (24, 80)


def shell_line(line: str) -> str:
    """The same line with `convcli` as the one of the Python that runs this."""
    convcli = f"{shlex.quote(sys.executable)} -m convcli"
    return re.sub(r"(?<![\w/.-])convcli(?= )", lambda _: convcli, line)


def words_of(line: str) -> list[str] | None:
    """The words behind `convcli`, or None for a line that takes a shell."""
    tokens = shlex.shlex(line, posix=True, punctuation_chars=True)
    tokens.whitespace_split = True
    command, *words = tokens
    if command != "convcli" or any(set(word) <= set("|&;<>()") or "*" in word for word in words):
        return None
    return words


class Terminal(TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shell(line: str, folder: Path, stream: type[TextIOWrapper] = TextIOWrapper) -> str:
    """What a line prints, where it ends with 0: in a pipe, or into a stream of this process.

    The line runs in this process if it takes no shell.
    """
    words = words_of(line)
    if words is None:
        ended = subprocess.run(
            ["bash", "-o", "pipefail", "-ec", shell_line(line)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
    with stream(BytesIO(), "utf-8") as pipe:
        with chdir(folder), redirect_stdout(pipe):
            assert run(words) == 0
        pipe.flush()
        return pipe.buffer.getvalue().decode()


def on_terminal(line: str, folder: Path, reader: bool = False) -> tuple[int, str]:
    """Exit code of a line, and what it leaves on the terminal, without codes for colour.

    Standard input is the terminal where a `reader` sits at it, and empty elsewhere.
    """
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, SIZE)
    environment = {
        key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")
    }
    with subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", shell_line(line)],
        cwd=folder,
        env=environment | {"NO_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8"},
        stdin=terminal if reader else subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux: nobody writes any more
                break
            if not part:
                break
            shown += part
    os.close(main)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")
    return process.returncode, "\n".join(row.rstrip() for row in text.splitlines())
